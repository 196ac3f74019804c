/* Problems and results from hand to hand: exchange write PROBLEM RESULT | exchange read FILE... */
#include <mcd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH = 6, WIDTH = 4, SITES = LENGTH * WIDTH, POINTS = 4 };

static void check(mcd_status status) {
    if (status < 0) {
        fprintf(stderr, "%s: %s\n", mcd_status_name(status), mcd_last_error());
        exit(1);
    }
}

static void write_files(const char *problem_path, const char *result_path) {
    const double fields[POINTS] = {0, 0.02, 0.05, 0.07}, target[POINTS] = {1, 1.5, 2, 2.5}, energy = 1.2;
    const double weights[POINTS] = {1, 2, 0.5, 1}, volts[2] = {0.25, -0.5}, lower[2] = {-1, -1}, upper[2] = {1, 2};
    double basis[2 * SITES] = {0}, start[SITES];
    size_t i;
    mcd_wire wire;
    mcd_problem problem;
    mcd_job job;
    mcd_result result;
    check(mcd_wire_create(LENGTH, WIDTH, fields, POINTS, &energy, 1, &wire));
    check(mcd_problem_create(wire, target, POINTS, &problem));
    for (i = 0; i < WIDTH; i++) basis[1 * WIDTH + i] = 1; /* the first gate crosses the wire at x = 1 */
    basis[SITES + 4 * WIDTH + 2] = 1;                     /* the second is over site (4, 2) */
    check(mcd_problem_set_gates(problem, basis, 2 * SITES, volts, 2));
    check(mcd_problem_set_bounds(problem, lower, 2, upper, 2));
    check(mcd_problem_set_weights(problem, weights, POINTS));
    check(mcd_problem_set_loss(problem, "huber", 0.5));
    check(mcd_problem_save(problem, problem_path));
    check(mcd_free(problem));

    for (i = 0; i < SITES; i++) start[i] = 4;
    start[4 * WIDTH + 2] = 4.75;
    check(mcd_problem_create(wire, target, POINTS, &problem));
    check(mcd_problem_set_sites(problem, start, SITES));
    check(mcd_problem_set_regularizer(problem, "smoothness", 0.01));
    check(mcd_job_create_design(problem, &job));
    check(mcd_job_set_max_evaluations(job, 3));
    check(mcd_job_start(job));
    check(mcd_job_wait(job, -1, NULL, NULL));
    check(mcd_job_result(job, &result));
    check(mcd_result_save(result, result_path));
    check(mcd_free(result));
    check(mcd_free(job));
    check(mcd_free(problem));
    check(mcd_free(wire));
}

/* What every language says of a file: the objective at the start, the potential of two sites, and L of a result. */
static void read_file(const char *path) {
    double start[SITES], onsite[SITES], objective, found;
    size_t entries, parameters;
    const char *slash = strrchr(path, '/');
    mcd_problem problem;
    mcd_result result;
    check(mcd_problem_load(path, &problem));
    check(mcd_problem_counts(problem, &entries, &parameters));
    check(mcd_problem_start(problem, start, parameters));
    check(mcd_problem_objective(problem, start, parameters, &objective, NULL, 0));
    check(mcd_problem_onsite(problem, start, parameters, onsite, SITES));
    printf("%s %.15g %.15g %.15g", slash ? slash + 1 : path, objective, onsite[1 * WIDTH + 3], onsite[4 * WIDTH + 2]);
    if (mcd_result_load(path, &result) == MCD_OK) {
        check(mcd_result_objective(result, &found));
        printf(" %.15g", found);
        check(mcd_free(result));
    }
    printf("\n");
    check(mcd_free(problem));
}

int main(int argc, char **argv) {
    int i;
    int64_t handles;
    if (argc == 4 && strcmp(argv[1], "write") == 0) write_files(argv[2], argv[3]);
    else
        for (i = 2; i < argc; i++) read_file(argv[i]);
    check(mcd_live_handles(&handles));
    return handles == 0 ? 0 : 1;
}
