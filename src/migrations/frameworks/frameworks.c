#include "frameworks.h"

const rh_framework_rules *rh_framework_rules_of(rh_framework framework)
{
    return framework == RH_FRAMEWORK_GOLANG_MIGRATE ? &rh_framework_golang_migrate : &rh_framework_sql;
}
