/* The names that enums have in report.json: each value has one, and each name leads back to its value. */
#include "pgrehearse/model/rollback.h"
#include "pgrehearse/model/passes.h"
#include "pgrehearse/model/scenario.h"
#include "pgrehearse/model/run.h"
#include "pgrehearse/model/statement.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void every_class_has_a_name_that_leads_back_to_it(void **state)
{
    (void)state;
    for (int i = 0; i < RH_CLASS_COUNT; i++) {
        rh_statement_class found = RH_CLASS_COUNT;
        const char *name = rh_statement_class_name((rh_statement_class)i);
        assert_non_null(name);
        assert_true(rh_statement_class_named(name, &found));
        assert_int_equal(found, i);
    }
}

static void an_unknown_name_is_no_class(void **state)
{
    (void)state;
    rh_statement_class found = RH_CLASS_COUNT;
    assert_false(rh_statement_class_named("backfill", &found));
    assert_false(rh_statement_class_named(NULL, &found));
    assert_int_equal(found, RH_CLASS_COUNT);
}

/* Every value of TYPE, of COUNT, has a name of its own; the first may have none. */
#define ASSERT_NAMED(type, count)                                                                            \
    for (int i = 0; i < (count); i++) {                                                                      \
        const char *name = type##_name((type)i);                                                             \
        assert_true(name || i == 0);                                                                         \
        for (int k = 0; k < i; k++)                                                                          \
            assert_true(!type##_name((type)k) || strcmp(type##_name((type)k), name) != 0);                   \
    }

static void every_value_has_a_name_of_its_own(void **state)
{
    (void)state;
    ASSERT_NAMED(rh_phase, RH_PHASE_COUNT)
    ASSERT_NAMED(rh_hazard_state, RH_HAZARD_STATE_COUNT)
    ASSERT_NAMED(rh_outcome, RH_OUTCOME_COUNT)
    ASSERT_NAMED(rh_reversibility, RH_REVERSIBILITY_COUNT)
    ASSERT_NAMED(rh_change, RH_CHANGE_COUNT)
    ASSERT_NAMED(rh_data_depth, RH_DATA_DEPTH_COUNT)
    ASSERT_NAMED(rh_interruption_how, RH_INTERRUPTION_HOW_COUNT)
    ASSERT_NAMED(rh_run_again, RH_RUN_AGAIN_COUNT)
    ASSERT_NAMED(rh_disturber_kind, RH_DISTURBER_COUNT)
    ASSERT_NAMED(rh_disturbance_outcome, RH_DISTURBANCE_OUTCOME_COUNT)
    ASSERT_NAMED(rh_runners_outcome, RH_RUNNERS_OUTCOME_COUNT)
    ASSERT_NAMED(rh_unmeasured, RH_UNMEASURED_COUNT)
    ASSERT_NAMED(rh_verdict, RH_VERDICT_COUNT)
    ASSERT_NAMED(rh_gate_kind, RH_GATE_COUNT)
    ASSERT_NAMED(rh_statement_class, RH_CLASS_COUNT)
    ASSERT_NAMED(rh_growth_model, RH_GROWTH_COUNT)
    ASSERT_NAMED(rh_pass_kind, RH_PASS_KIND_COUNT)
    ASSERT_NAMED(rh_gate_outcome, RH_GATE_OUTCOME_COUNT)
    ASSERT_NAMED(rh_window_kind, RH_WINDOW_COUNT)
    ASSERT_NAMED(rh_template_kind, RH_TEMPLATE_KIND_COUNT)
    ASSERT_NAMED(rh_release, RH_RELEASE_COUNT)
    ASSERT_NAMED(rh_wait_source, RH_WAIT_SOURCE_COUNT)
    ASSERT_NAMED(rh_backup_shape, RH_SHAPE_COUNT)
    ASSERT_NAMED(rh_transaction_rule, RH_TRANSACTION_RULE_COUNT)
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_has_a_name_of_its_own),
        cmocka_unit_test(every_class_has_a_name_that_leads_back_to_it),
        cmocka_unit_test(an_unknown_name_is_no_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
