/*
 * mcd.h: conductance of quantum wires in a magnetic field, its exact derivatives, and the search for the potential that
 * shows a given curve.
 *
 * UNITS AND CONVENTIONS
 *   Energies are in units of the hopping t (or in the unit in which you give the hopping), lengths in lattice constants a,
 *   conductance G in e^2/h (one spin). A field is phi = pi B a^2 / phi_0 with phi_0 = h/e, dimensionless, of either sign.
 *   A wire has sites (x, y), x = 0 .. length-1 along transport, y = 0 .. width-1 across. Arrays over sites are [x][y]: the
 *   value of site (x, y) stands at x * width + y. Arrays over points (one per field) follow the order of the fields;
 *   a Jacobian is [point][x][y]. "onsite" is the whole diagonal of the Hamiltonian: lead_onsite (4 t) means a clean wire.
 *   Complex numbers are two doubles, real part first; their counts below are counts of doubles.
 *
 * CALLS
 *   Every function returns an mcd_status unless it says otherwise; MCD_OK is 0, errors are negative. After an error,
 *   mcd_last_error() has one or two sentences that name the argument, its value and the remedy. On an error no object has
 *   changed; output arrays may hold anything, output scalars and handles are untouched unless it says otherwise.
 *   Options are set through named setters and read through getters of the same name; what is not set has the default stated
 *   with its setter. Setters check their values at once.
 *
 * ARRAYS AND TEXTS
 *   An array is a pointer followed by its count of elements. Input arrays are borrowed for the duration of the call and
 *   copied where an object keeps them. Output arrays belong to the caller, who states their count: where the count is known
 *   beforehand (points, sites, parameters) it must match exactly. Getters whose count is not known beforehand end in
 *   (out, count, needed): *needed receives the elements that there are; with count 0 (out may be NULL) nothing else
 *   happens, with count >= *needed the first *needed elements are written, else the status is MCD_ERR_SIZE. A text getter
 *   is one of these with bytes as elements: *needed counts the terminating NUL. Arrays must not overlap.
 *   Texts are NUL-terminated UTF-8, paths too.
 *
 * HANDLES
 *   Objects are named by 64-bit handles that carry a kind and a generation: a freed, foreign or invented handle gives
 *   MCD_ERR_HANDLE, never a crash. 0 is never a handle. Every handle received is the caller's to free with mcd_free, in any
 *   order: objects that depend on each other keep what they need.
 *
 * THREADS
 *   Every function may be called from any thread at any time. Calls on different objects run at the same time; calls on one
 *   wire, problem or result take turns. mcd_last_error is kept apart for every thread. Functions that compute use the
 *   threads set by mcd_set_threads or mcd_wire_set_threads beside the calling one; results do not depend on their number.
 *   No function calls back except mcd_job_wait, on the thread that called it. A call may have to wait for the threads that
 *   compute: a loop with deadlines has another thread wait for a job and leave what it learns where the loop reads it.
 *
 * FORK
 *   The library cannot work in a child made by fork() without exec(): there every function returns MCD_ERR_FORKED at once
 *   and mcd_free does nothing; mcd_version, mcd_status_name and mcd_last_error still work. The parent is not affected. Start
 *   children by spawning (Python: multiprocessing.set_start_method("spawn")).
 *
 * Unless a function says otherwise, the four paragraphs above are its contract on ownership, thread safety, errors and fork.
 */
#ifndef MCD_H
#define MCD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef MCD_API
#define MCD_API extern
#endif

/* Version of this header. The library's own is mcd_version(); libraries of one major version are compatible upwards. */
#define MCD_VERSION_MAJOR 1
#define MCD_VERSION_MINOR 0
#define MCD_VERSION_PATCH 0
#define MCD_VERSION "1.0.0"

/* Status of a call. New values may come; treat unknown negative values as errors. */
typedef enum mcd_status {
    MCD_OK = 0,
    MCD_TIMEOUT = 1,          /* not an error: the time-out of mcd_job_wait passed and the job goes on */
    MCD_ERR_ARGUMENT = -1,    /* a wrong argument: its name and value are in mcd_last_error() */
    MCD_ERR_HANDLE = -2,      /* a freed, foreign or invented handle, or one of another kind */
    MCD_ERR_SIZE = -3,        /* the output array is too small; *needed says how many elements there are */
    MCD_ERR_NOMEM = -4,       /* the memory needed (stated in bytes) is over the limit or was refused */
    MCD_ERR_CANCELLED = -5,   /* stopped by mcd_wire_cancel, mcd_job_cancel or a callback */
    MCD_ERR_FILE = -6,        /* a file or buffer that cannot be read or written, or is damaged */
    MCD_ERR_NUMERICAL = -7,   /* the arithmetic could not reach the promised accuracy */
    MCD_ERR_UNSUPPORTED = -8, /* this build or machine does not have it */
    MCD_ERR_STATE = -9,       /* not now: the job has (not) been started, has no result yet, has failed */
    MCD_ERR_FORKED = -10,     /* called in a forked child */
    MCD_ERR_INTERNAL = -11    /* a defect of the library: please report the message */
} mcd_status;

typedef uint64_t mcd_handle;  /* any of the following */
typedef mcd_handle mcd_wire;    /* a strip with leads and a sweep of fields and energies, and its engine */
typedef mcd_handle mcd_system;  /* any other device with its leads, and its engine */
typedef mcd_handle mcd_problem; /* a wire or device, a target and what may be varied to reach it */
typedef mcd_handle mcd_job;     /* a search, running on threads of its own */
typedef mcd_handle mcd_result;  /* what a search found, with its problem and its history */

/* ------------------------------------------------------------------------------------------------------- the library */

/* Version of the library, "major.minor.patch". Static; works after fork. */
MCD_API const char *mcd_version(void);

/* Message of the last error on this thread, "" if there was none. Belongs to the library and is valid until the next call
 * on this thread that fails; copy it to keep it. Works after fork. */
MCD_API const char *mcd_last_error(void);

/* Name of a status, "MCD_ERR_ARGUMENT"; "unknown status" for others. Static; works after fork. */
MCD_API const char *mcd_status_name(mcd_status status);

/* Frees any object; 0 is left alone. A running job is cancelled and waited for (at most some 100 ms). */
MCD_API mcd_status mcd_free(mcd_handle object);

/* Number of handles that have not been freed, for leak tests. */
MCD_API mcd_status mcd_live_handles(int64_t *handles);

/* Threads of wires created from now on: n >= 1, or 0 (default) for all processors that the process may use. */
MCD_API mcd_status mcd_set_threads(int64_t threads);
MCD_API mcd_status mcd_get_threads(int64_t *threads);

/* Bytes that the large buffers of all objects together may take, 0 (default) for no bound. */
MCD_API mcd_status mcd_set_memory_limit(int64_t bytes);
MCD_API mcd_status mcd_get_memory_limit(int64_t *bytes);
/* Bytes that they take now. */
MCD_API mcd_status mcd_memory_used(int64_t *bytes);

/* Devices that wires can be computed on: index 0 .. count-1. The name is what mcd_wire_set_backend takes ("cpu");
 * the description tells which kernels, how many processors, or why a device that was looked for cannot be used, in which
 * case *available is 0. */
MCD_API mcd_status mcd_devices(size_t *count);
MCD_API mcd_status mcd_device_name(size_t index, char *out, size_t count, size_t *needed);
MCD_API mcd_status mcd_device_description(size_t index, char *out, size_t count, size_t *needed);
MCD_API mcd_status mcd_device_available(size_t index, int32_t *available);

/* -------------------------------------------------------------------------------------------------------------- wires */

/* Creates a wire of length x width sites (each >= 1) with one point per field. energies has one value for all points or
 * one for each. Hopping 1, lead_onsite 4. The wire's tables (its leads) are computed at the first use, once. */
MCD_API mcd_status mcd_wire_create(int64_t length, int64_t width, const double *fields, size_t fields_count,
                                   const double *energies, size_t energies_count, mcd_wire *wire);

/* Hopping t > 0 (default 1) and on-site energy of the leads (default 4: give 4 t for another t). Problems and jobs made
 * before keep the wire as it was. */
MCD_API mcd_status mcd_wire_set_hopping(mcd_wire wire, double hopping);
MCD_API mcd_status mcd_wire_get_hopping(mcd_wire wire, double *hopping);
MCD_API mcd_status mcd_wire_set_lead_onsite(mcd_wire wire, double lead_onsite);
MCD_API mcd_status mcd_wire_get_lead_onsite(mcd_wire wire, double *lead_onsite);

/* Where to compute: "cpu", "cuda" (the first GPU; "cuda:1" the second …), MCD_ERR_UNSUPPORTED if it cannot be used, with the
 * reason; or "auto" (default): small wires on the CPU, others there too until a second of computing is spent, or until steps of a
 * first-order method or several starts begin; then where a measurement finds values and derivatives faster. Observables are always computed on the CPU. The results of different devices differ in their last digits: name one
 * where bits must repeat. The getter returns what computes, with the kernels and the device, for logs; also when "auto" had to
 * leave a GPU that failed. What is read from files goes to the CPU where the GPU it was made with cannot be used. */
MCD_API mcd_status mcd_wire_set_backend(mcd_wire wire, const char *backend);
MCD_API mcd_status mcd_wire_get_backend(mcd_wire wire, char *out, size_t count, size_t *needed);

/* Threads of this wire: n >= 1, or 0 for all processors that the process may use (default: mcd_set_threads). Holds at once
 * for problems and jobs that share the wire's engine too. */
MCD_API mcd_status mcd_wire_set_threads(mcd_wire wire, int64_t threads);
MCD_API mcd_status mcd_wire_get_threads(mcd_wire wire, int64_t *threads);

/* Bytes that this wire may take, 0 (default) for no bound of its own. */
MCD_API mcd_status mcd_wire_set_memory_limit(mcd_wire wire, int64_t bytes);
MCD_API mcd_status mcd_wire_get_memory_limit(mcd_wire wire, int64_t *bytes);

/* Shape: length x width sites, points. */
MCD_API mcd_status mcd_wire_shape(mcd_wire wire, int64_t *length, int64_t *width, int64_t *points);
/* Fields and energies, (points) each. */
MCD_API mcd_status mcd_wire_fields(mcd_wire wire, double *fields, size_t fields_count);
MCD_API mcd_status mcd_wire_energies(mcd_wire wire, double *energies, size_t energies_count);

/* Open modes N of either lead at every point, (points): the ceiling of G. */
MCD_API mcd_status mcd_wire_open_modes(mcd_wire wire, int64_t *modes, size_t modes_count);

/* G (points) of the on-site energies (length x width). */
MCD_API mcd_status mcd_wire_conductance(mcd_wire wire, const double *onsite, size_t onsite_count, double *g, size_t g_count);

/* Vector-Jacobian product: G (points) and gradient[x][y] = sum_k weights[k] dG_k / d onsite[x][y]. weights (points), or
 * NULL with count 0 for all ones. */
MCD_API mcd_status mcd_wire_vjp(mcd_wire wire, const double *onsite, size_t onsite_count, const double *weights,
                                size_t weights_count, double *g, size_t g_count, double *gradient, size_t gradient_count);

/* G (points) and jacobian[k][x][y] = dG_k / d onsite[x][y], (points x length x width). */
MCD_API mcd_status mcd_wire_jacobian(mcd_wire wire, const double *onsite, size_t onsite_count, double *g, size_t g_count,
                                     double *jacobian, size_t jacobian_count);

/* G and its derivative dG/dphi by the field of every point, (points) each. */
MCD_API mcd_status mcd_wire_field_derivative(mcd_wire wire, const double *onsite, size_t onsite_count, double *g,
                                             size_t g_count, double *derivative, size_t derivative_count);

/* G and its derivative dG/dE by the energy of every point, (points) each. */
MCD_API mcd_status mcd_wire_energy_derivative(mcd_wire wire, const double *onsite, size_t onsite_count, double *g,
                                              size_t g_count, double *derivative, size_t derivative_count);

/* S-matrix at any field and energy (not only those of the sweep). *modes receives N; s is 2N x 2N, row-major, complex
 * (8 N^2 doubles): S[m][n] is the amplitude into mode m from mode n, the N modes of the left lead first, so that the four
 * N x N blocks are [[r, t'], [t, r']]. Unitary. Modes are ordered by their wave number in (-pi, pi]; their phases are a convention. */
MCD_API mcd_status mcd_wire_smatrix(mcd_wire wire, const double *onsite, size_t onsite_count, double field, double energy,
                                    int64_t *modes, double *s, size_t s_count, size_t *needed);

/* Eigenvalues of t^+ t at any field and energy, descending, N of them. */
MCD_API mcd_status mcd_wire_transmission_eigenvalues(mcd_wire wire, const double *onsite, size_t onsite_count, double field,
                                                     double energy, double *eigenvalues, size_t eigenvalues_count,
                                                     size_t *needed);

/* Local density of states -Im G_ii / pi of every site (length x width), per energy and site, at any field and energy:
 * the sum over the incoming modes of both leads of |psi|^2 / (2 pi), without bound states. */
MCD_API mcd_status mcd_wire_ldos(mcd_wire wire, const double *onsite, size_t onsite_count, double field, double energy,
                                 double *ldos, size_t ldos_count);

/* Scattering states for unit incoming flux in every mode of one lead (from: 0 left, 1 right) at any field and energy:
 * psi[n][x][y], complex, N x length x width of them, in the gauge of the header's Hamiltonian (the hopping from slice x+1
 * to slice x is -t exp(2 i phi y)). */
MCD_API mcd_status mcd_wire_states(mcd_wire wire, const double *onsite, size_t onsite_count, double field, double energy,
                                   int32_t from, int64_t *modes, double *psi, size_t psi_count, size_t *needed);

/* What can be said about a target before any search. excess (points) receives how far it lies outside 0 <= G <= N:
 * positive above the ceiling N, negative below 0; narrow (points) receives 1 in features sharper than one flux quantum
 * through the wire, delta phi = pi / (length x width), else 0. Either may be NULL with count 0. *bound receives the smallest
 * |G - target| that these and the symmetry G(phi) = G(-phi) allow: 0 if nothing excludes the target. The report is a text
 * for people, one line per finding, "" if there is none. */
MCD_API mcd_status mcd_wire_feasibility(mcd_wire wire, const double *target, size_t target_count, double *excess,
                                        size_t excess_count, uint8_t *narrow, size_t narrow_count, double *bound,
                                        char *report, size_t report_count, size_t *needed);

/* The curve nearest to a target against which nothing is known, (points): cut to 0 <= G <= N, even in the field where opposite
 * fields are sampled, and smoothed over half a flux quantum where it has features sharper than that. */
MCD_API mcd_status mcd_wire_nearest_feasible(mcd_wire wire, const double *target, size_t target_count, double *nearest,
                                             size_t nearest_count);

/* Ends all calls that are now computing on this wire and on the problems made of it, from any thread: they return
 * MCD_ERR_CANCELLED within 100 ms. Jobs go on: see mcd_job_cancel. */
MCD_API mcd_status mcd_wire_cancel(mcd_wire wire);

/* ----------------------------------------------------------------------------------------------------------- problems */

/* Quantities that may vary in mcd_problem_set_gaussians. */
#define MCD_FREE_X 1u
#define MCD_FREE_Y 2u
#define MCD_FREE_AMPLITUDE 4u
#define MCD_FREE_RADIUS 8u

/* Creates the problem of finding a potential whose conductance is target (points). Until a parametrization is set, every
 * site of a clean wire is a parameter. The problem keeps the wire as it is now. */
MCD_API mcd_status mcd_problem_create(mcd_wire wire, const double *target, size_t target_count, mcd_problem *problem);

/* A new handle on the problem's wire. */
MCD_API mcd_status mcd_problem_wire(mcd_problem problem, mcd_wire *wire);

/* Creates the same problem for any device: to find what makes its transmissions follow curves. curves lists the leads to and
 * from of every curve, so curves_count is twice their number; target is [curve][point]. Until a parametrization is set, an
 * on-site energy added to every orbital is a parameter, from 0. The problem keeps the device as it is now.
 *
 * For such a problem, read "orbitals" where functions below count sites, and on-site energies are those added to the diagonal:
 * mcd_problem_set_sites, _set_gates, _set_gaussians (the device needs positions in one or two dimensions), _set_background
 * (default 0), bounds, frozen and tied entries, weights (one for each value of the target), losses, jobs, files and results
 * work as for wires. Mirrors, filters, regularizers, smoothing and the search for defects are for wires. */
MCD_API mcd_status mcd_problem_create_device(mcd_system system, const int64_t *curves, size_t curves_count,
                                             const double *target, size_t target_count, mcd_problem *problem);

/* A new handle on the problem's device. */
MCD_API mcd_status mcd_problem_system(mcd_problem problem, mcd_system *system);

/* Leads to and from of every curve of a device; *needed is 0 for a wire. */
MCD_API mcd_status mcd_problem_get_curves(mcd_problem problem, int64_t *curves, size_t count, size_t *needed);

/* Counts of the engine's inputs (sites, orbitals, or coefficients of directions) and of the target's values. */
MCD_API mcd_status mcd_problem_shape(mcd_problem problem, size_t *inputs, size_t *outputs);

/* Makes the coefficients c of directions D the parameters: H = H_0 + sum c[k] D[k], with H_0 the device's Hamiltonians and
 * leads that stay as they are. Direction k changes the entries first[k] .. first[k + 1] - 1 of the array entries (numbers in
 * the device's pattern; first has one element more than there are directions). values has their complex values, once for all
 * points or [point][entry]. A direction must be Hermitian where Hamiltonians must: to tie H_ij and H_ji list both, with 1 and 1
 * for the real part, i and -i for the imaginary part, their own values for a common factor. start has one coefficient for each
 * direction; names one line for each, or NULL for "coefficient[0]" and so on. What functions below call on-site energies are
 * the coefficients then. */
MCD_API mcd_status mcd_problem_set_directions(mcd_problem problem, const int64_t *first, size_t first_count,
                                              const int64_t *entries, size_t entries_count, const double *values,
                                              size_t values_count, const double *start, size_t start_count, const char *names);

/* Names of the directions, one a line, "" if they have none or the problem is not by directions. */
MCD_API mcd_status mcd_problem_get_names(mcd_problem problem, char *names, size_t count, size_t *needed);

/* Hamiltonians at parameters of a problem by directions: complex, [point][entry]. */
MCD_API mcd_status mcd_problem_hamiltonian(mcd_problem problem, const double *parameters, size_t count, double *values,
                                           size_t values_count);

/* The target, (points). */
MCD_API mcd_status mcd_problem_set_target(mcd_problem problem, const double *target, size_t target_count);
MCD_API mcd_status mcd_problem_get_target(mcd_problem problem, double *target, size_t target_count);

/* Weights w_k >= 0 of the residuals w_k (G_k - target_k), (points); 1 by default. */
MCD_API mcd_status mcd_problem_set_weights(mcd_problem problem, const double *weights, size_t weights_count);
MCD_API mcd_status mcd_problem_get_weights(mcd_problem problem, double *weights, size_t weights_count);

/* Loss rho of the weighted residuals r: "squares" r^2 (default), or against outliers "log" c^2 log(1 + r^2/c^2) or "huber"
 * (r^2 up to c, 2 c |r| - c^2 beyond) with the scale c > 0 (ignored by "squares"). */
MCD_API mcd_status mcd_problem_set_loss(mcd_problem problem, const char *loss, double scale);
MCD_API mcd_status mcd_problem_get_loss(mcd_problem problem, char *out, size_t count, size_t *needed, double *scale);

/* A parametrization has ENTRIES: the quantities that may vary, each with its start value. PARAMETERS are what an optimizer
 * sees: the entries without the frozen ones, with tied ones joined, in the order of the entries. Setting a parametrization
 * drops bounds, frozen entries, ties, mirror and filter of the one before. Contradictions between them (an empty interval,
 * nothing left free) are reported by the call that makes them. */

/* By sites: the entries are the on-site energies themselves, from their start (length x width). */
MCD_API mcd_status mcd_problem_set_sites(mcd_problem problem, const double *onsite, size_t onsite_count);

/* By Gaussians: h(x, y) = background + sum_i amplitude_i exp(-((x - x_i)^2 + (y - y_i)^2) / radius_i^2), radius_i > 0.
 * Each array has one start value per Gaussian; free, a sum of MCD_FREE_*, says which quantities are entries, for all
 * Gaussians alike. Entries are ordered Gaussian by Gaussian, within each by quantity (x, y, amplitude, radius). Unless bounds
 * are set, a free radius stays above 0.1. */
MCD_API mcd_status mcd_problem_set_gaussians(mcd_problem problem, const double *x, const double *y, const double *amplitude,
                                             const double *radius, size_t gaussians_count, uint32_t free);

/* By gates: h = background + sum_i volts_i basis_i. basis is [gate][x][y] (gates x length x width), the entries are the
 * volts, from their start (gates). */
MCD_API mcd_status mcd_problem_set_gates(mcd_problem problem, const double *basis, size_t basis_count, const double *volts,
                                         size_t volts_count);

/* Fixed potential under Gaussians and gates, (length x width); lead_onsite everywhere by default. No effect on sites. */
MCD_API mcd_status mcd_problem_set_background(mcd_problem problem, const double *onsite, size_t onsite_count);
MCD_API mcd_status mcd_problem_get_background(mcd_problem problem, double *onsite, size_t onsite_count);

/* Bounds lower <= entry <= upper, (entries) each; infinite by default. Start values are moved inside. */
MCD_API mcd_status mcd_problem_set_bounds(mcd_problem problem, const double *lower, size_t lower_count, const double *upper,
                                          size_t upper_count);
MCD_API mcd_status mcd_problem_get_bounds(mcd_problem problem, double *lower, size_t lower_count, double *upper,
                                          size_t upper_count);

/* Frozen entries keep their start: 1 frozen, 0 free, (entries). */
MCD_API mcd_status mcd_problem_set_frozen(mcd_problem problem, const uint8_t *frozen, size_t frozen_count);
MCD_API mcd_status mcd_problem_get_frozen(mcd_problem problem, uint8_t *frozen, size_t frozen_count);

/* Ties: entries with the same number >= 0 share one value (the mean of their starts); -1 stands alone. (entries). */
MCD_API mcd_status mcd_problem_set_ties(mcd_problem problem, const int64_t *ties, size_t ties_count);
MCD_API mcd_status mcd_problem_get_ties(mcd_problem problem, int64_t *ties, size_t ties_count);

/* Symmetry of a potential by sites: "none" (default), "x": h(x, y) = h(length-1-x, y), "y": h(x, y) = h(x, width-1-y),
 * "both", or "point": h(x, y) = h(length-1-x, width-1-y). */
MCD_API mcd_status mcd_problem_set_mirror(mcd_problem problem, const char *mirror);
MCD_API mcd_status mcd_problem_get_mirror(mcd_problem problem, char *out, size_t count, size_t *needed);

/* Smallest feature of a potential by sites in lattice constants: h is the entries averaged over a cone of this radius.
 * At most 1 (default 0): no filter. */
MCD_API mcd_status mcd_problem_set_filter(mcd_problem problem, double radius);
MCD_API mcd_status mcd_problem_get_filter(mcd_problem problem, double *radius);

/* Kind of the parametrization: "sites", "gaussians", "gates" or "directions". */
MCD_API mcd_status mcd_problem_get_parametrization(mcd_problem problem, char *out, size_t count, size_t *needed);

/* Numbers of entries and of parameters. */
MCD_API mcd_status mcd_problem_counts(mcd_problem problem, size_t *entries, size_t *parameters);

/* Label of a parameter for people: "onsite[3,4]", "amplitude[0]", "volts[2]". */
MCD_API mcd_status mcd_problem_label(mcd_problem problem, size_t parameter, char *out, size_t count, size_t *needed);

/* Start values of the parameters, (parameters). */
MCD_API mcd_status mcd_problem_start(mcd_problem problem, double *parameters, size_t parameters_count);

/* Regularizer: weight >= 0 times a penalty of the potential, added to the objective. "smoothness": the sum of the squared
 * differences of neighbouring sites (the paper's weight is 0.01). 0 (default) takes it out. */
MCD_API mcd_status mcd_problem_set_regularizer(mcd_problem problem, const char *regularizer, double weight);
MCD_API mcd_status mcd_problem_get_regularizer(mcd_problem problem, const char *regularizer, double *weight);

/* The potential (length x width) of parameters. */
MCD_API mcd_status mcd_problem_onsite(mcd_problem problem, const double *parameters, size_t parameters_count,
                                      double *onsite, size_t onsite_count);

/* The objective of parameters, L = log sqrt(sum_k rho(w_k (G_k - target_k))) plus regularizers (-INFINITY at a perfect
 * fit), and its gradient (parameters; NULL with count 0 if not wanted: then it costs a value only). For optimizers of your
 * own. */
MCD_API mcd_status mcd_problem_objective(mcd_problem problem, const double *parameters, size_t parameters_count,
                                         double *objective, double *gradient, size_t gradient_count);

/* What a curve determines at these parameters, to first order and for squared residuals alone: the singular values of
 * d(w G)/d parameters, descending (the smaller of points and parameters), and *rank, the number of those above 1e-10 of the
 * largest: so many combinations of parameters does the curve determine; combinations (singular values x parameters) are
 * these, orthonormal. errors (parameters) receives the standard errors of the parameters, INFINITY where the curve leaves a
 * part of one undetermined, for data with the standard deviation sigma (0: estimated from the misfit); sensitivity
 * (length x width) the norm of dG by every site: which sites matter. Any output array may be NULL with count 0. */
MCD_API mcd_status mcd_problem_identify(mcd_problem problem, const double *parameters, size_t parameters_count, double sigma,
                                        int64_t *rank, double *singular_values, size_t singular_values_count,
                                        double *combinations, size_t combinations_count, double *errors,
                                        size_t errors_count, double *sensitivity, size_t sensitivity_count);

/* The problem as bytes, for exchange between programs and languages (schema: mcd.fbs), and back. Bytes are not trusted:
 * what is damaged or makes no sense gives MCD_ERR_FILE. */
MCD_API mcd_status mcd_problem_encode(mcd_problem problem, uint8_t *out, size_t count, size_t *needed);
MCD_API mcd_status mcd_problem_decode(const uint8_t *bytes, size_t bytes_count, mcd_problem *problem);

/* Saves to a .mcd file (written aside and renamed: the old file or the new, never half a file), and loads from any .mcd
 * file, also one that holds a result. */
MCD_API mcd_status mcd_problem_save(mcd_problem problem, const char *path);
MCD_API mcd_status mcd_problem_load(const char *path, mcd_problem *problem);

/* --------------------------------------------------------------------------------------------------------------- jobs */

/* State of a job. */
typedef enum mcd_job_state {
    MCD_JOB_NEW = 0,     /* not started: its settings may be changed */
    MCD_JOB_RUNNING = 1,
    MCD_JOB_DONE = 2,    /* mcd_job_result has a result, also after a cancellation that found one */
    MCD_JOB_FAILED = 3   /* mcd_job_wait and mcd_job_result return why */
} mcd_job_state;

/* How far a job is: one consistent snapshot. Set struct_size = sizeof(mcd_progress) and the rest to 0 before the call; a
 * library that knows fewer members leaves the others 0, one that knows more fills only struct_size bytes. */
typedef struct mcd_progress {
    size_t struct_size;
    int32_t state;         /* mcd_job_state */
    int32_t start;         /* running number of the start that is being worked on, from 0 */
    int32_t starts;        /* how many there are */
    int32_t reserved;      /* 0 */
    int64_t iteration;     /* of this start */
    int64_t evaluations;   /* of the engine, all starts together */
    double objective;      /* L of the current point */
    double best_objective; /* the best L so far */
    double step;           /* norm of the last step tried in the parameters */
    double gradient;       /* largest entry of the projected gradient of the objective */
    double damping;        /* mu of "lm", the learning rate of first-order methods, the step length of "lbfgs" */
    double seconds;        /* since mcd_job_start */
    double roughness;      /* L_pot of the current point while smoothing, else NaN */
} mcd_progress;

/* Called by mcd_job_wait on the waiting thread, at most once per iteration. Return 0 to go on, anything else to cancel. It
 * may call any function, but not mcd_free of its job. */
typedef int (*mcd_callback)(const mcd_progress *progress, void *user);

/* Creates a job that minimises the objective of a problem (as the problem is now). Settings first, then mcd_job_start. */
MCD_API mcd_status mcd_job_create_design(mcd_problem problem, mcd_job *job);

/* Creates a job that finds the Gaussian defects (1 or 2) in an otherwise clean wire that explain the target (points). sigma
 * is the standard deviation of the target's noise for the error bars, 0 if unknown (estimated from the fit). Its result is
 * that of a problem by Gaussians. The curve does not tell y from width-1-y, nor where along the wire the defects are: the
 * answer stands in the middle of the wire. Of the settings below it takes seed, max_evaluations (counted after a table of
 * curves that is made once per wire; unless set 1000 for one defect and 5000 for two, whatever its getter says), time_limit
 * and checkpoint (written at the end). */
MCD_API mcd_status mcd_job_create_defect(mcd_wire wire, const double *target, size_t target_count, int64_t defects,
                                         double sigma, mcd_job *job);

/* The same in a device (1 to 8 defects) whose orbitals have positions in one or two dimensions: curves, target and weights are
 * those of the problem, what it varies plays no part. Where side leads break the symmetry along the wire the defects' places
 * along it are found too; they come with the largest |amplitude| * radius first. The table of curves, one for each of some
 * 2,400 single defects, is made once for the problem and its copies; nothing is random. */
MCD_API mcd_status mcd_job_create_locate(mcd_problem problem, int64_t defects, double sigma, mcd_job *job);

/* Creates a job that finds the smoothest potential that keeps the curve: it minimises L_pot, the sum of the squared
 * differences of neighbouring sites, subject to L <= level, from the start of a problem by sites without bounds, frozen
 * entries, ties, mirror or filter; loss and regularizers play no part. The start need not keep the level. Of the settings
 * below it takes max_evaluations (300 unless set), time_limit and checkpoint (written at the end). Where more than about 200
 * evaluations allow it, other starts are compared first on a part of the points; an evaluation there counts as that part. The
 * history of its result, which leaves them out, has the column "roughness". */
MCD_API mcd_status mcd_job_create_smooth(mcd_problem problem, double level, mcd_job *job);

/* Creates a job that moves the parameters of a problem to allowed values, origin + a multiple of step (> 0) within their bounds,
 * such that the curve suffers least: from the start of a problem by sites without filter or by gates, which should show the
 * target. Rounded parameters are repaired by those still free, then single steps follow while they help. Loss and regularizers
 * play no part. Of the settings below it takes max_evaluations (default 300), time_limit and checkpoint (written at the end). */
MCD_API mcd_status mcd_job_create_quantize(mcd_problem problem, double step, double origin, mcd_job *job);

/* Creates a job that continues the run saved in a .mcd file (a checkpoint or a saved result) bit for bit, with its
 * settings; change limits such as max_evaluations before mcd_job_start. It goes on writing checkpoints to that file. */
MCD_API mcd_status mcd_job_create_resume(const char *path, mcd_job *job);

/* The settings below are MCD_ERR_STATE once the job has been started. */

/* "lm" (default: Levenberg-Marquardt), "lbfgs", "rmsprop", "adabelief", "adam". Settings whose default depends on the method
 * and that have not been set change with it. */
MCD_API mcd_status mcd_job_set_method(mcd_job job, const char *method);
MCD_API mcd_status mcd_job_get_method(mcd_job job, char *out, size_t count, size_t *needed);

/* Learning rate of the first-order methods (default 0.01, > 0). */
MCD_API mcd_status mcd_job_set_learning_rate(mcd_job job, double rate);
MCD_API mcd_status mcd_job_get_learning_rate(mcd_job job, double *rate);

/* Schedule of the learning rate: from iteration steps[i] on it is multiplied by factors[i] (> 0), for all i; none by
 * default. Or a named one: "constant", "paper-defect", "paper-sites". */
MCD_API mcd_status mcd_job_set_schedule(mcd_job job, const int64_t *steps, size_t steps_count, const double *factors,
                                        size_t factors_count);
MCD_API mcd_status mcd_job_set_named_schedule(mcd_job job, const char *schedule);
/* count holds for both arrays; both may be NULL with count 0. */
MCD_API mcd_status mcd_job_get_schedule(mcd_job job, int64_t *steps, double *factors, size_t count, size_t *needed);

/* Engine evaluations of all starts together and iterations of each start after which to stop, counted over all resumptions
 * of a run; 0 is no limit. Defaults 1000 evaluations, no limit of iterations. */
MCD_API mcd_status mcd_job_set_max_evaluations(mcd_job job, int64_t evaluations);
MCD_API mcd_status mcd_job_get_max_evaluations(mcd_job job, int64_t *evaluations);
MCD_API mcd_status mcd_job_set_max_iterations(mcd_job job, int64_t iterations);
MCD_API mcd_status mcd_job_get_max_iterations(mcd_job job, int64_t *iterations);

/* Seconds after which to stop, from mcd_job_start; 0 (default) for no limit. */
MCD_API mcd_status mcd_job_set_time_limit(mcd_job job, double seconds);
MCD_API mcd_status mcd_job_get_time_limit(mcd_job job, double *seconds);

/* Stop once L falls to this; -INFINITY: never. Default -20 for "lm", else -INFINITY. */
MCD_API mcd_status mcd_job_set_stop_objective(mcd_job job, double objective);
MCD_API mcd_status mcd_job_get_stop_objective(mcd_job job, double *objective);

/* Stop once a step is shorter than tolerance (|parameters| + tolerance) (default 1e-15 for "lm", else 0), or no entry of the
 * gradient of L (projected on the bounds) exceeds the tolerance (default 0); 0 switches a test off. */
MCD_API mcd_status mcd_job_set_step_tolerance(mcd_job job, double tolerance);
MCD_API mcd_status mcd_job_get_step_tolerance(mcd_job job, double *tolerance);
MCD_API mcd_status mcd_job_set_gradient_tolerance(mcd_job job, double tolerance);
MCD_API mcd_status mcd_job_get_gradient_tolerance(mcd_job job, double *tolerance);

/* Stop once the best L fell by less than tolerance over the last iterations; 0 iterations switches the test off. Defaults:
 * "lm" 100 iterations, 0.01; "lbfgs" 100, 1e-6; else off. */
MCD_API mcd_status mcd_job_set_stall(mcd_job job, int64_t iterations, double tolerance);
MCD_API mcd_status mcd_job_get_stall(mcd_job job, int64_t *iterations, double *tolerance);

/* Number of starts (default 1): the first is the problem's own, the others are random around it with the standard deviation
 * spread (default 0.3, in the units of the parameters). Outcomes are ranked in the result; those whose potentials differ by
 * a root mean square of at least distinct (default 0.001) count apart. On a GPU starts are searched side by side: evaluations
 * are dealt to them evenly, and the history tells of them by turns. */
MCD_API mcd_status mcd_job_set_starts(mcd_job job, int64_t starts, double spread);
MCD_API mcd_status mcd_job_get_starts(mcd_job job, int64_t *starts, double *spread);
MCD_API mcd_status mcd_job_set_distinct(mcd_job job, double distinct);
MCD_API mcd_status mcd_job_get_distinct(mcd_job job, double *distinct);

/* Seed of everything random (default 0): the same seed gives the same bits. */
MCD_API mcd_status mcd_job_set_seed(mcd_job job, uint64_t seed);
MCD_API mcd_status mcd_job_get_seed(mcd_job job, uint64_t *seed);

/* File to write checkpoints to, NULL or "" (default) for none, and the seconds between two of them (default 10; 0: after
 * every iteration). One is written after the first iteration, where a failure ends the job, and one at the end, also when
 * cancelled; later failures are told in the result's message. */
MCD_API mcd_status mcd_job_set_checkpoint(mcd_job job, const char *path, double interval);
MCD_API mcd_status mcd_job_get_checkpoint(mcd_job job, char *out, size_t count, size_t *needed, double *interval);

/* Starts the job on threads of the library and returns at once. */
MCD_API mcd_status mcd_job_start(mcd_job job);

/* Waits until the job ends, at most timeout seconds (negative: for ever; 0: do not wait). While waiting, calls callback
 * (NULL for none) on this thread with each iteration's progress; a return other than 0 cancels. MCD_OK: there is a result;
 * MCD_TIMEOUT: it still runs; an error: why it failed. Several threads may wait. */
MCD_API mcd_status mcd_job_wait(mcd_job job, double timeout, mcd_callback callback, void *user);

/* Snapshot of a job, without waiting. */
MCD_API mcd_status mcd_job_progress(mcd_job job, mcd_progress *progress);

/* Asks a job to stop; returns at once. The job ends within 100 ms (a search for defects after one evaluation more, for its error
 * bars) with the best point so far as its result, or fails with MCD_ERR_CANCELLED if nothing has been evaluated yet. */
MCD_API mcd_status mcd_job_cancel(mcd_job job);

/* History since mcd_job_start, one entry per iteration of all starts, by column: "start", "iteration", "evaluations",
 * "objective", "best_objective", "step", "gradient", "damping", "seconds", "roughness" (as in mcd_progress). May be called while the job
 * runs: since entries are added meanwhile, a smaller count is no error here, the first count entries are written. */
MCD_API mcd_status mcd_job_history(mcd_job job, const char *column, double *out, size_t count, size_t *needed);

/* The best potential so far (length x width), while the job runs or after. */
MCD_API mcd_status mcd_job_best(mcd_job job, double *onsite, size_t onsite_count);

/* The result of a job that has ended; MCD_ERR_STATE before. */
MCD_API mcd_status mcd_job_result(mcd_job job, mcd_result *result);

/* ------------------------------------------------------------------------------------------------------------ results */

/* A new handle on the problem that was solved (for find_defect: with Gaussians as parametrization). */
MCD_API mcd_status mcd_result_problem(mcd_result result, mcd_problem *problem);

/* The best potential (length x width), its conductance (points), its parameters (parameters of the problem) and entries
 * (entries of the problem: the frozen and tied ones written out). */
MCD_API mcd_status mcd_result_onsite(mcd_result result, double *onsite, size_t onsite_count);
MCD_API mcd_status mcd_result_conductance(mcd_result result, double *g, size_t g_count);
MCD_API mcd_status mcd_result_parameters(mcd_result result, double *parameters, size_t parameters_count);
MCD_API mcd_status mcd_result_entries(mcd_result result, double *entries, size_t entries_count);

/* Standard errors of the entries from the misfit, (entries): 0 for frozen ones, NaN where they are not known (only
 * mcd_job_create_defect and mcd_job_create_locate compute them). */
MCD_API mcd_status mcd_result_errors(mcd_result result, double *errors, size_t errors_count);

/* Quantities by name, one value per Gaussian or gate, the fixed ones too: "x", "y", "amplitude", "radius" of Gaussians,
 * "volts" of gates; "coefficients" of directions; and their standard errors, see mcd_result_errors. */
MCD_API mcd_status mcd_result_quantity(mcd_result result, const char *name, double *out, size_t count, size_t *needed);
MCD_API mcd_status mcd_result_quantity_error(mcd_result result, const char *name, double *out, size_t count,
                                             size_t *needed);

/* L, see mcd_problem_objective; engine evaluations and seconds that the run took. */
MCD_API mcd_status mcd_result_objective(mcd_result result, double *objective);
MCD_API mcd_status mcd_result_evaluations(mcd_result result, int64_t *evaluations);
MCD_API mcd_status mcd_result_seconds(mcd_result result, double *seconds);

/* Why the run ended, one word for programs: "objective", "step", "gradient", "stalled", "evaluations", "iterations", "time", "cancelled",
 * "failed";
 * and a sentence for people, which also says by how much an infeasible target is out of reach. */
MCD_API mcd_status mcd_result_status(mcd_result result, char *out, size_t count, size_t *needed);
MCD_API mcd_status mcd_result_message(mcd_result result, char *out, size_t count, size_t *needed);

/* What computed it, as mcd_wire_get_backend. */
MCD_API mcd_status mcd_result_backend(mcd_result result, char *out, size_t count, size_t *needed);

/* History of the best start, also over resumptions: "objective", L before the first and after every iteration,
 * "evaluations" done by then, and after smoothing "roughness", L_pot of the same points (else empty). */
MCD_API mcd_status mcd_result_history(mcd_result result, const char *column, double *out, size_t count, size_t *needed);

/* Number of distinct outcomes of the starts (at least 1), and each of them, best first, as a result of its own. */
MCD_API mcd_status mcd_result_outcomes(mcd_result result, size_t *count);
MCD_API mcd_status mcd_result_outcome(mcd_result result, size_t index, mcd_result *outcome);

/* The result with its problem as bytes, and back; to a .mcd file and back: see mcd_problem_encode and mcd_problem_save.
 * A saved result can be continued by mcd_job_create_resume. */
MCD_API mcd_status mcd_result_encode(mcd_result result, uint8_t *out, size_t count, size_t *needed);
MCD_API mcd_status mcd_result_decode(const uint8_t *bytes, size_t bytes_count, mcd_result *result);
MCD_API mcd_status mcd_result_save(mcd_result result, const char *path);
MCD_API mcd_status mcd_result_load(const char *path, mcd_result *result);

/* ------------------------------------------------------------------------------------------------------------ devices */

/* A system is any device: sparse Hamiltonians with one pattern, one for every point of a sweep, and leads attached anywhere.
 * Create it, set the values, add the leads, then ask. Leads are solved at the first use and kept while only values change;
 * calls on one system take turns. Energies are in one unit of your choice. In the calls below pairs holds (to, from) for
 * every transmission wanted, two elements each; results are g[pair][point]. onsite (orbitals) is added to the diagonal of
 * every Hamiltonian, NULL with count 0 adds nothing. Orbitals that no lead reaches take no part: their results are 0. */

/* Creates a system without values and leads. Entry k of the Hamiltonian stands at (rows[k], cols[k]); both triangles and
 * every diagonal entry that is not zero are listed, none twice. One energy for every point. */
MCD_API mcd_status mcd_system_create(int64_t orbitals, const int64_t *rows, size_t rows_count, const int64_t *cols,
                                     size_t cols_count, const double *energies, size_t energies_count,
                                     mcd_system *system);

/* The Hamiltonians: values[point][entry], complex. */
MCD_API mcd_status mcd_system_set_values(mcd_system system, const double *values, size_t values_count);

/* Whether Hamiltonians must be Hermitian, to 1e-13 of the largest entry: 1 (default) or 0. */
MCD_API mcd_status mcd_system_set_hermitian(mcd_system system, int32_t hermitian);
MCD_API mcd_status mcd_system_get_hermitian(mcd_system system, int32_t *hermitian);

/* Positions of the orbitals, (orbitals x dimensions): optional, they help to find a good order of elimination. */
MCD_API mcd_status mcd_system_set_positions(mcd_system system, const double *positions, size_t positions_count,
                                            int64_t dimensions);

/* Threads and bytes: as mcd_wire_set_threads and mcd_wire_set_memory_limit. */
MCD_API mcd_status mcd_system_set_threads(mcd_system system, int64_t threads);
MCD_API mcd_status mcd_system_get_threads(mcd_system system, int64_t *threads);
MCD_API mcd_status mcd_system_set_memory_limit(mcd_system system, int64_t bytes);
MCD_API mcd_status mcd_system_get_memory_limit(mcd_system system, int64_t *bytes);

/* Adds a periodic lead, the next in number. Its cells 0, 1, .. lead away from the device; the interface orbitals of the
 * device, in this order, take the place of the first orbitals of "cell -1". cell is the Hamiltonian of one cell (orbitals x
 * orbitals), hopping = <cell n+1|H|cell n> from the interface orbitals of a cell (orbitals x interface), complex and
 * row-major; one matrix for all points or one for each. */
MCD_API mcd_status mcd_system_add_lead(mcd_system system, const int64_t *interface_orbitals,
                                       size_t interface_orbitals_count, int64_t orbitals, const double *cell,
                                       size_t cell_count, const double *hopping, size_t hopping_count);

/* Adds a lead by its numbers. sigma: self-energy on the interface orbitals (m x m), complex, one for all points or one for
 * each. modes (points): open modes N. in: Q (m x N) of one point after the other, with QQ^+ = i(Sigma - Sigma^+), so that
 * psi = G Q. out (N x m) and direct (N x N) give outgoing amplitudes out psi + direct (the latter from the same lead only);
 * both NULL with count 0 stand for iQ^+ and -1. A lead with N = 0 only takes away. */
MCD_API mcd_status mcd_system_add_self_energy(mcd_system system, const int64_t *interface_orbitals,
                                              size_t interface_orbitals_count, const double *sigma, size_t sigma_count,
                                              const int64_t *modes, size_t modes_count, const double *in, size_t in_count,
                                              const double *out, size_t out_count, const double *direct,
                                              size_t direct_count);

/* Sizes. */
MCD_API mcd_status mcd_system_shape(mcd_system system, int64_t *orbitals, int64_t *entries, int64_t *points,
                                    int64_t *leads);

/* A new system like this one, which may be changed without a trace in it; leads that have been solved stay solved. */
MCD_API mcd_status mcd_system_copy(mcd_system system, mcd_system *copy);

/* What the device was made of: rows and columns of the entries; their complex values, [point][entry]; energies (points);
 * positions [orbital][dimension], *dimensions of them, none if they were not given. */
MCD_API mcd_status mcd_system_pattern(mcd_system system, int64_t *rows, size_t rows_count, int64_t *cols, size_t cols_count);
MCD_API mcd_status mcd_system_values(mcd_system system, double *values, size_t count);
MCD_API mcd_status mcd_system_energies(mcd_system system, double *energies, size_t count);
MCD_API mcd_status mcd_system_positions(mcd_system system, double *positions, size_t count, size_t *needed,
                                        int64_t *dimensions);

/* The orbitals that a lead touches; *orbitals are those of its cell, 0 for a lead by self-energies. */
MCD_API mcd_status mcd_system_lead(mcd_system system, int64_t lead, int64_t *orbitals, int64_t *touched, size_t count,
                                   size_t *needed);

/* What computes transmissions and their derivatives: engine, order of elimination, kernels. A device that is a uniform strip
 * between two leads that continue it, whatever its gauge, is solved by the engine of strips. */
MCD_API mcd_status mcd_system_backend(mcd_system system, char *out, size_t count, size_t *needed);

/* Open modes, modes[point][lead]. */
MCD_API mcd_status mcd_system_open_modes(mcd_system system, int64_t *modes, size_t modes_count);

/* Transmissions between all leads, matrix[point][to][from], reflections on the diagonal. */
MCD_API mcd_status mcd_system_transmission_matrix(mcd_system system, const double *onsite, size_t onsite_count,
                                                  double *matrix, size_t matrix_count);

/* Transmissions of pairs, g[pair][point]. */
MCD_API mcd_status mcd_system_transmission(mcd_system system, const int64_t *pairs, size_t pairs_count,
                                           const double *onsite, size_t onsite_count, double *g, size_t g_count);

/* g and jacobian[pair][point][orbital] = dg / d onsite[orbital]. */
MCD_API mcd_status mcd_system_jacobian(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite,
                                       size_t onsite_count, double *g, size_t g_count, double *jacobian,
                                       size_t jacobian_count);

/* g and gradient[orbital] = sum of weights[pair][point] dg / d onsite[orbital]; weights NULL with count 0: all ones. */
MCD_API mcd_status mcd_system_vjp(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite,
                                  size_t onsite_count, const double *weights, size_t weights_count, double *g,
                                  size_t g_count, double *gradient, size_t gradient_count);

/* g and jacobian[point][orbital] = sum over pairs of weights[pair][point] dg / d onsite[orbital]: with the derivatives of a
 * function of the transmissions as weights, its derivatives at every point. weights NULL with count 0: all ones. */
MCD_API mcd_status mcd_system_combined_jacobian(mcd_system system, const int64_t *pairs, size_t pairs_count,
                                                const double *onsite, size_t onsite_count, const double *weights,
                                                size_t weights_count, double *g, size_t g_count, double *jacobian,
                                                size_t jacobian_count);

/* g and noise[pair][point] = sum of T_n (1 - T_n) over the eigenvalues of t^+ t: the power of shot noise in units of
 * 2e|V| e^2/h; noise / g is the Fano factor. */
MCD_API mcd_status mcd_system_noise(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite,
                                    size_t onsite_count, double *g, size_t g_count, double *noise, size_t noise_count);

/* g and gradient[point][entry], complex: for a change dH on the pattern the sum of weights[pair][point] g changes by
 * Re sum gradient dH. With it, whatever H depends on has its derivatives. */
MCD_API mcd_status mcd_system_hamiltonian_vjp(mcd_system system, const int64_t *pairs, size_t pairs_count,
                                              const double *onsite, size_t onsite_count, const double *weights,
                                              size_t weights_count, double *g, size_t g_count, double *gradient,
                                              size_t gradient_count);

/* g and jacobian[pair][point][hopping], complex, by h = H_ij of the hoppings (i, j), two elements each, i != j, with H_ji
 * tied to h*: dg = Re(jacobian* dh), so the real part is dg / d Re h and the imaginary part dg / d Im h. */
MCD_API mcd_status mcd_system_hopping_jacobian(mcd_system system, const int64_t *pairs, size_t pairs_count,
                                               const int64_t *hoppings, size_t hoppings_count, const double *onsite,
                                               size_t onsite_count, double *g, size_t g_count, double *jacobian,
                                               size_t jacobian_count);

/* g and derivative[pair][point] = dg/dp by a parameter p: values is dH/dp [point][entry], energies is dE/dp (points), leads
 * is, for every lead that is given by its cell and every point, d cell/dp and then d hopping/dp, one after the other. Each
 * may be NULL with count 0 where p does not enter. Leads follow their energy; those given by numbers stay as they are. */
MCD_API mcd_status mcd_system_derivative(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite,
                                         size_t onsite_count, const double *values, size_t values_count,
                                         const double *energies, size_t energies_count, const double *leads,
                                         size_t leads_count, double *g, size_t g_count, double *derivative,
                                         size_t derivative_count);

/* S-matrix of one point, complex, [outgoing][incoming], the modes of lead 0 first. */
MCD_API mcd_status mcd_system_smatrix(mcd_system system, const double *onsite, size_t onsite_count, int64_t point, double *s,
                                      size_t s_count, size_t *needed);

/* Retarded Green's function of one point between the interfaces of two leads, complex, [orbital of to][orbital of from]. */
MCD_API mcd_status mcd_system_green(mcd_system system, const double *onsite, size_t onsite_count, int64_t point, int64_t to,
                                    int64_t from, double *green, size_t green_count, size_t *needed);

/* States that the open modes of a lead send into the device at one point, of unit flux: psi[mode][orbital], complex. */
MCD_API mcd_status mcd_system_wave_function(mcd_system system, const double *onsite, size_t onsite_count, int64_t point,
                                            int64_t from, double *psi, size_t psi_count, size_t *needed);

/* Current from orbital cols[k] to rows[k] in the states that a lead sends in at one point, (entries): summed over a cut it
 * is the transmission. */
MCD_API mcd_status mcd_system_currents(mcd_system system, const double *onsite, size_t onsite_count, int64_t point,
                                       int64_t from, double *currents, size_t currents_count);

/* Local density of states of every orbital, per energy: ldos[point][orbital], of the listed points (none twice), or of all
 * with points NULL and count 0. The sum over the incoming modes of all leads of |psi|^2 / (2 pi). */
MCD_API mcd_status mcd_system_ldos(mcd_system system, const double *onsite, size_t onsite_count, const int64_t *points,
                                   size_t points_count, double *ldos, size_t ldos_count);

/* Ends all calls that are now computing on this system, from any thread: they return MCD_ERR_CANCELLED. */
MCD_API mcd_status mcd_system_cancel(mcd_system system);

#ifdef __cplusplus
}
#endif

#endif
