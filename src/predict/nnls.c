#include "nnls.h"
#include <math.h>

enum { MAX = RH_NNLS_COLUMNS_MAX };

/* AᵀA and Aᵀb: few columns, and rows that the callers have scaled. */
typedef struct normal {
    size_t columns;
    double matrix[MAX][MAX], right[MAX];
} normal;

static normal normal_of(const double *a, const double *b, size_t rows, size_t columns)
{
    normal n = {.columns = columns};
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < columns; i++) {
            for (size_t j = 0; j < columns; j++)
                n.matrix[i][j] += a[r * columns + i] * a[r * columns + j];
            n.right[i] += a[r * columns + i] * b[r];
        }
    return n;
}

/* Solves for the PASSIVE columns alone, by Gauss–Jordan elimination with the diagonal as pivots (the matrix
 * is positive semidefinite); a column that depends on earlier ones gets 0. */
static void solve(const normal *n, const bool *passive, double *z)
{
    double m[MAX][MAX + 1] = {{0}};
    bool used[MAX] = {false};
    for (size_t i = 0; i < n->columns; i++) {
        for (size_t j = 0; j < n->columns; j++)
            m[i][j] = n->matrix[i][j];
        m[i][n->columns] = n->right[i];
        z[i] = 0;
    }
    for (size_t p = 0; p < n->columns; p++) {
        if (!passive[p] || !(m[p][p] > 1e-10 * n->matrix[p][p]))
            continue;
        used[p] = true;
        for (size_t i = 0; i < n->columns; i++) {
            double factor = m[i][p] / m[p][p];
            for (size_t j = 0; i != p && j <= n->columns; j++)
                m[i][j] -= factor * m[p][j];
        }
    }
    for (size_t p = 0; p < n->columns; p++)
        if (used[p])
            z[p] = m[p][n->columns] / m[p][p];
}

static bool all_positive(const double *z, const bool *passive, size_t columns)
{
    for (size_t i = 0; i < columns; i++)
        if (passive[i] && z[i] <= 0)
            return false;
    return true;
}

/* From X towards Z as far as no passive column turns negative; those that reach 0 leave. */
static void step(double *x, const double *z, bool *passive, size_t columns)
{
    double alpha = 2;
    size_t first = columns; /* to reach 0 */
    for (size_t i = 0; i < columns; i++) {
        double share = x[i] - z[i] > 0 ? x[i] / (x[i] - z[i]) : 0;
        if (passive[i] && z[i] <= 0 && share < alpha) {
            alpha = share;
            first = i;
        }
    }
    for (size_t i = 0; i < columns; i++) {
        if (!passive[i])
            continue;
        x[i] += alpha * (z[i] - x[i]);
        if (i == first || x[i] <= 0) {
            x[i] = 0;
            passive[i] = false;
        }
    }
}

/* The column whose coefficient would gain most by growing from 0; COLUMNS when none would. */
static size_t steepest(const normal *n, const double *x, const bool *passive, const bool *tried)
{
    size_t best = n->columns;
    double most = 0;
    for (size_t i = 0; i < n->columns; i++) {
        double slope = n->right[i];
        for (size_t j = 0; j < n->columns; j++)
            slope -= n->matrix[i][j] * x[j];
        double scale = sqrt(n->matrix[i][i]);
        if (passive[i] || tried[i] || !(scale > 0) || slope / scale <= 1e-9 * fabs(n->right[i]) / scale)
            continue;
        if (slope / scale > most) {
            most = slope / scale;
            best = i;
        }
    }
    return best;
}

void rh_nnls(const double *a, const double *b, size_t rows, size_t columns, double *x)
{
    normal n = normal_of(a, b, rows, columns);
    bool passive[MAX] = {false}, tried[MAX] = {false};
    double z[MAX];
    for (size_t i = 0; i < columns; i++)
        x[i] = 0;
    for (size_t round = 0; round < 3 * MAX; round++) {
        size_t next = steepest(&n, x, passive, tried);
        if (next == columns)
            return;
        passive[next] = tried[next] = true;
        for (solve(&n, passive, z); !all_positive(z, passive, columns); solve(&n, passive, z))
            step(x, z, passive, columns);
        for (size_t i = 0; i < columns; i++) {
            if (passive[i] && x[i] != z[i] && i != next)
                tried[i] = false;
            x[i] = passive[i] ? z[i] : 0;
        }
        if (passive[next])
            for (size_t i = 0; i < columns; i++)
                tried[i] = false; /* the residual has changed */
    }
}
