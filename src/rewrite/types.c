/* Which changes of a type leave the rows as they lie. */
#include "safer.h"
#include <string.h>

const char *rh_safer_new_type(const rh_safer_list *list, const rh_safer_retyped *r)
{
    return rh_catalog_new_type(list->statement->sql, r->definition, r->offset + strlen(r->words),
                               list->arena);
}

bool rh_safer_type_alike(rh_safer_list *list, const rh_safer_retyped *r)
{
    const rh_catalog_table *table = rh_catalog_table_of(list->catalog, r->relation);
    const rh_catalog_column *column = table ? rh_catalog_column_of(table, r->column) : NULL;
    if (!column || rh_tree_computes(r->definition, r->column))
        return false;
    const rh_catalog_type to = rh_catalog_type_of(rh_json_get(r->definition, "typeName"),
                                                  rh_json_get(r->definition, "collClause"), list->arena);
    return rh_catalog_type_change(list->catalog, &column->of_type, &to) == RH_TYPE_ALIKE;
}
