/* Non-negative least squares. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum { RH_NNLS_COLUMNS_MAX = 8 };

/* Minimises |A x − b| over x ≥ 0 by the active set method of Lawson and Hanson (Solving Least Squares
 * Problems, 1974, chapter 23). A has ROWS rows of COLUMNS (at most RH_NNLS_COLUMNS_MAX) numbers each, row by
 * row; X takes COLUMNS numbers. Columns that others explain as well stay 0. */
void rh_nnls(const double *a, const double *b, size_t rows, size_t columns, double *x);
