/* Code generated from mcd.h by generate; DO NOT EDIT. */
#include "guard.h"

extern mcd_status go_mcd_free(mcd_handle object);
mcd_status mcd_free(mcd_handle object) {
    return mcd_alive() ? go_mcd_free(object) : mcd_forked();
}

extern mcd_status go_mcd_live_handles(int64_t *handles);
mcd_status mcd_live_handles(int64_t *handles) {
    return mcd_alive() ? go_mcd_live_handles(handles) : mcd_forked();
}

extern mcd_status go_mcd_set_threads(int64_t threads);
mcd_status mcd_set_threads(int64_t threads) {
    return mcd_alive() ? go_mcd_set_threads(threads) : mcd_forked();
}

extern mcd_status go_mcd_get_threads(int64_t *threads);
mcd_status mcd_get_threads(int64_t *threads) {
    return mcd_alive() ? go_mcd_get_threads(threads) : mcd_forked();
}

extern mcd_status go_mcd_set_memory_limit(int64_t bytes);
mcd_status mcd_set_memory_limit(int64_t bytes) {
    return mcd_alive() ? go_mcd_set_memory_limit(bytes) : mcd_forked();
}

extern mcd_status go_mcd_get_memory_limit(int64_t *bytes);
mcd_status mcd_get_memory_limit(int64_t *bytes) {
    return mcd_alive() ? go_mcd_get_memory_limit(bytes) : mcd_forked();
}

extern mcd_status go_mcd_memory_used(int64_t *bytes);
mcd_status mcd_memory_used(int64_t *bytes) {
    return mcd_alive() ? go_mcd_memory_used(bytes) : mcd_forked();
}

extern mcd_status go_mcd_devices(size_t *count);
mcd_status mcd_devices(size_t *count) {
    return mcd_alive() ? go_mcd_devices(count) : mcd_forked();
}

extern mcd_status go_mcd_device_name(size_t index, char *out, size_t count, size_t *needed);
mcd_status mcd_device_name(size_t index, char *out, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_device_name(index, out, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_device_description(size_t index, char *out, size_t count, size_t *needed);
mcd_status mcd_device_description(size_t index, char *out, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_device_description(index, out, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_device_available(size_t index, int32_t *available);
mcd_status mcd_device_available(size_t index, int32_t *available) {
    return mcd_alive() ? go_mcd_device_available(index, available) : mcd_forked();
}

extern mcd_status go_mcd_wire_create(int64_t length, int64_t width, const double *fields, size_t fields_count, const double *energies, size_t energies_count, mcd_wire *wire);
mcd_status mcd_wire_create(int64_t length, int64_t width, const double *fields, size_t fields_count, const double *energies, size_t energies_count, mcd_wire *wire) {
    return mcd_alive() ? go_mcd_wire_create(length, width, fields, fields_count, energies, energies_count, wire) : mcd_forked();
}

extern mcd_status go_mcd_wire_set_hopping(mcd_wire wire, double hopping);
mcd_status mcd_wire_set_hopping(mcd_wire wire, double hopping) {
    return mcd_alive() ? go_mcd_wire_set_hopping(wire, hopping) : mcd_forked();
}

extern mcd_status go_mcd_wire_get_hopping(mcd_wire wire, double *hopping);
mcd_status mcd_wire_get_hopping(mcd_wire wire, double *hopping) {
    return mcd_alive() ? go_mcd_wire_get_hopping(wire, hopping) : mcd_forked();
}

extern mcd_status go_mcd_wire_set_lead_onsite(mcd_wire wire, double lead_onsite);
mcd_status mcd_wire_set_lead_onsite(mcd_wire wire, double lead_onsite) {
    return mcd_alive() ? go_mcd_wire_set_lead_onsite(wire, lead_onsite) : mcd_forked();
}

extern mcd_status go_mcd_wire_get_lead_onsite(mcd_wire wire, double *lead_onsite);
mcd_status mcd_wire_get_lead_onsite(mcd_wire wire, double *lead_onsite) {
    return mcd_alive() ? go_mcd_wire_get_lead_onsite(wire, lead_onsite) : mcd_forked();
}

extern mcd_status go_mcd_wire_set_backend(mcd_wire wire, const char *backend);
mcd_status mcd_wire_set_backend(mcd_wire wire, const char *backend) {
    return mcd_alive() ? go_mcd_wire_set_backend(wire, backend) : mcd_forked();
}

extern mcd_status go_mcd_wire_get_backend(mcd_wire wire, char *out, size_t count, size_t *needed);
mcd_status mcd_wire_get_backend(mcd_wire wire, char *out, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_wire_get_backend(wire, out, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_wire_set_threads(mcd_wire wire, int64_t threads);
mcd_status mcd_wire_set_threads(mcd_wire wire, int64_t threads) {
    return mcd_alive() ? go_mcd_wire_set_threads(wire, threads) : mcd_forked();
}

extern mcd_status go_mcd_wire_get_threads(mcd_wire wire, int64_t *threads);
mcd_status mcd_wire_get_threads(mcd_wire wire, int64_t *threads) {
    return mcd_alive() ? go_mcd_wire_get_threads(wire, threads) : mcd_forked();
}

extern mcd_status go_mcd_wire_set_memory_limit(mcd_wire wire, int64_t bytes);
mcd_status mcd_wire_set_memory_limit(mcd_wire wire, int64_t bytes) {
    return mcd_alive() ? go_mcd_wire_set_memory_limit(wire, bytes) : mcd_forked();
}

extern mcd_status go_mcd_wire_get_memory_limit(mcd_wire wire, int64_t *bytes);
mcd_status mcd_wire_get_memory_limit(mcd_wire wire, int64_t *bytes) {
    return mcd_alive() ? go_mcd_wire_get_memory_limit(wire, bytes) : mcd_forked();
}

extern mcd_status go_mcd_wire_shape(mcd_wire wire, int64_t *length, int64_t *width, int64_t *points);
mcd_status mcd_wire_shape(mcd_wire wire, int64_t *length, int64_t *width, int64_t *points) {
    return mcd_alive() ? go_mcd_wire_shape(wire, length, width, points) : mcd_forked();
}

extern mcd_status go_mcd_wire_fields(mcd_wire wire, double *fields, size_t fields_count);
mcd_status mcd_wire_fields(mcd_wire wire, double *fields, size_t fields_count) {
    return mcd_alive() ? go_mcd_wire_fields(wire, fields, fields_count) : mcd_forked();
}

extern mcd_status go_mcd_wire_energies(mcd_wire wire, double *energies, size_t energies_count);
mcd_status mcd_wire_energies(mcd_wire wire, double *energies, size_t energies_count) {
    return mcd_alive() ? go_mcd_wire_energies(wire, energies, energies_count) : mcd_forked();
}

extern mcd_status go_mcd_wire_open_modes(mcd_wire wire, int64_t *modes, size_t modes_count);
mcd_status mcd_wire_open_modes(mcd_wire wire, int64_t *modes, size_t modes_count) {
    return mcd_alive() ? go_mcd_wire_open_modes(wire, modes, modes_count) : mcd_forked();
}

extern mcd_status go_mcd_wire_conductance(mcd_wire wire, const double *onsite, size_t onsite_count, double *g, size_t g_count);
mcd_status mcd_wire_conductance(mcd_wire wire, const double *onsite, size_t onsite_count, double *g, size_t g_count) {
    return mcd_alive() ? go_mcd_wire_conductance(wire, onsite, onsite_count, g, g_count) : mcd_forked();
}

extern mcd_status go_mcd_wire_vjp(mcd_wire wire, const double *onsite, size_t onsite_count, const double *weights, size_t weights_count, double *g, size_t g_count, double *gradient, size_t gradient_count);
mcd_status mcd_wire_vjp(mcd_wire wire, const double *onsite, size_t onsite_count, const double *weights, size_t weights_count, double *g, size_t g_count, double *gradient, size_t gradient_count) {
    return mcd_alive() ? go_mcd_wire_vjp(wire, onsite, onsite_count, weights, weights_count, g, g_count, gradient, gradient_count) : mcd_forked();
}

extern mcd_status go_mcd_wire_jacobian(mcd_wire wire, const double *onsite, size_t onsite_count, double *g, size_t g_count, double *jacobian, size_t jacobian_count);
mcd_status mcd_wire_jacobian(mcd_wire wire, const double *onsite, size_t onsite_count, double *g, size_t g_count, double *jacobian, size_t jacobian_count) {
    return mcd_alive() ? go_mcd_wire_jacobian(wire, onsite, onsite_count, g, g_count, jacobian, jacobian_count) : mcd_forked();
}

extern mcd_status go_mcd_wire_field_derivative(mcd_wire wire, const double *onsite, size_t onsite_count, double *g, size_t g_count, double *derivative, size_t derivative_count);
mcd_status mcd_wire_field_derivative(mcd_wire wire, const double *onsite, size_t onsite_count, double *g, size_t g_count, double *derivative, size_t derivative_count) {
    return mcd_alive() ? go_mcd_wire_field_derivative(wire, onsite, onsite_count, g, g_count, derivative, derivative_count) : mcd_forked();
}

extern mcd_status go_mcd_wire_energy_derivative(mcd_wire wire, const double *onsite, size_t onsite_count, double *g, size_t g_count, double *derivative, size_t derivative_count);
mcd_status mcd_wire_energy_derivative(mcd_wire wire, const double *onsite, size_t onsite_count, double *g, size_t g_count, double *derivative, size_t derivative_count) {
    return mcd_alive() ? go_mcd_wire_energy_derivative(wire, onsite, onsite_count, g, g_count, derivative, derivative_count) : mcd_forked();
}

extern mcd_status go_mcd_wire_smatrix(mcd_wire wire, const double *onsite, size_t onsite_count, double field, double energy, int64_t *modes, double *s, size_t s_count, size_t *needed);
mcd_status mcd_wire_smatrix(mcd_wire wire, const double *onsite, size_t onsite_count, double field, double energy, int64_t *modes, double *s, size_t s_count, size_t *needed) {
    return mcd_alive() ? go_mcd_wire_smatrix(wire, onsite, onsite_count, field, energy, modes, s, s_count, needed) : mcd_forked();
}

extern mcd_status go_mcd_wire_transmission_eigenvalues(mcd_wire wire, const double *onsite, size_t onsite_count, double field, double energy, double *eigenvalues, size_t eigenvalues_count, size_t *needed);
mcd_status mcd_wire_transmission_eigenvalues(mcd_wire wire, const double *onsite, size_t onsite_count, double field, double energy, double *eigenvalues, size_t eigenvalues_count, size_t *needed) {
    return mcd_alive() ? go_mcd_wire_transmission_eigenvalues(wire, onsite, onsite_count, field, energy, eigenvalues, eigenvalues_count, needed) : mcd_forked();
}

extern mcd_status go_mcd_wire_ldos(mcd_wire wire, const double *onsite, size_t onsite_count, double field, double energy, double *ldos, size_t ldos_count);
mcd_status mcd_wire_ldos(mcd_wire wire, const double *onsite, size_t onsite_count, double field, double energy, double *ldos, size_t ldos_count) {
    return mcd_alive() ? go_mcd_wire_ldos(wire, onsite, onsite_count, field, energy, ldos, ldos_count) : mcd_forked();
}

extern mcd_status go_mcd_wire_states(mcd_wire wire, const double *onsite, size_t onsite_count, double field, double energy, int32_t from, int64_t *modes, double *psi, size_t psi_count, size_t *needed);
mcd_status mcd_wire_states(mcd_wire wire, const double *onsite, size_t onsite_count, double field, double energy, int32_t from, int64_t *modes, double *psi, size_t psi_count, size_t *needed) {
    return mcd_alive() ? go_mcd_wire_states(wire, onsite, onsite_count, field, energy, from, modes, psi, psi_count, needed) : mcd_forked();
}

extern mcd_status go_mcd_wire_feasibility(mcd_wire wire, const double *target, size_t target_count, double *excess, size_t excess_count, uint8_t *narrow, size_t narrow_count, double *bound, char *report, size_t report_count, size_t *needed);
mcd_status mcd_wire_feasibility(mcd_wire wire, const double *target, size_t target_count, double *excess, size_t excess_count, uint8_t *narrow, size_t narrow_count, double *bound, char *report, size_t report_count, size_t *needed) {
    return mcd_alive() ? go_mcd_wire_feasibility(wire, target, target_count, excess, excess_count, narrow, narrow_count, bound, report, report_count, needed) : mcd_forked();
}

extern mcd_status go_mcd_wire_nearest_feasible(mcd_wire wire, const double *target, size_t target_count, double *nearest, size_t nearest_count);
mcd_status mcd_wire_nearest_feasible(mcd_wire wire, const double *target, size_t target_count, double *nearest, size_t nearest_count) {
    return mcd_alive() ? go_mcd_wire_nearest_feasible(wire, target, target_count, nearest, nearest_count) : mcd_forked();
}

extern mcd_status go_mcd_wire_cancel(mcd_wire wire);
mcd_status mcd_wire_cancel(mcd_wire wire) {
    return mcd_alive() ? go_mcd_wire_cancel(wire) : mcd_forked();
}

extern mcd_status go_mcd_problem_create(mcd_wire wire, const double *target, size_t target_count, mcd_problem *problem);
mcd_status mcd_problem_create(mcd_wire wire, const double *target, size_t target_count, mcd_problem *problem) {
    return mcd_alive() ? go_mcd_problem_create(wire, target, target_count, problem) : mcd_forked();
}

extern mcd_status go_mcd_problem_wire(mcd_problem problem, mcd_wire *wire);
mcd_status mcd_problem_wire(mcd_problem problem, mcd_wire *wire) {
    return mcd_alive() ? go_mcd_problem_wire(problem, wire) : mcd_forked();
}

extern mcd_status go_mcd_problem_create_device(mcd_system system, const int64_t *curves, size_t curves_count, const double *target, size_t target_count, mcd_problem *problem);
mcd_status mcd_problem_create_device(mcd_system system, const int64_t *curves, size_t curves_count, const double *target, size_t target_count, mcd_problem *problem) {
    return mcd_alive() ? go_mcd_problem_create_device(system, curves, curves_count, target, target_count, problem) : mcd_forked();
}

extern mcd_status go_mcd_problem_system(mcd_problem problem, mcd_system *system);
mcd_status mcd_problem_system(mcd_problem problem, mcd_system *system) {
    return mcd_alive() ? go_mcd_problem_system(problem, system) : mcd_forked();
}

extern mcd_status go_mcd_problem_get_curves(mcd_problem problem, int64_t *curves, size_t count, size_t *needed);
mcd_status mcd_problem_get_curves(mcd_problem problem, int64_t *curves, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_problem_get_curves(problem, curves, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_problem_shape(mcd_problem problem, size_t *inputs, size_t *outputs);
mcd_status mcd_problem_shape(mcd_problem problem, size_t *inputs, size_t *outputs) {
    return mcd_alive() ? go_mcd_problem_shape(problem, inputs, outputs) : mcd_forked();
}

extern mcd_status go_mcd_problem_set_directions(mcd_problem problem, const int64_t *first, size_t first_count, const int64_t *entries, size_t entries_count, const double *values, size_t values_count, const double *start, size_t start_count, const char *names);
mcd_status mcd_problem_set_directions(mcd_problem problem, const int64_t *first, size_t first_count, const int64_t *entries, size_t entries_count, const double *values, size_t values_count, const double *start, size_t start_count, const char *names) {
    return mcd_alive() ? go_mcd_problem_set_directions(problem, first, first_count, entries, entries_count, values, values_count, start, start_count, names) : mcd_forked();
}

extern mcd_status go_mcd_problem_get_names(mcd_problem problem, char *names, size_t count, size_t *needed);
mcd_status mcd_problem_get_names(mcd_problem problem, char *names, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_problem_get_names(problem, names, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_problem_hamiltonian(mcd_problem problem, const double *parameters, size_t count, double *values, size_t values_count);
mcd_status mcd_problem_hamiltonian(mcd_problem problem, const double *parameters, size_t count, double *values, size_t values_count) {
    return mcd_alive() ? go_mcd_problem_hamiltonian(problem, parameters, count, values, values_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_set_target(mcd_problem problem, const double *target, size_t target_count);
mcd_status mcd_problem_set_target(mcd_problem problem, const double *target, size_t target_count) {
    return mcd_alive() ? go_mcd_problem_set_target(problem, target, target_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_get_target(mcd_problem problem, double *target, size_t target_count);
mcd_status mcd_problem_get_target(mcd_problem problem, double *target, size_t target_count) {
    return mcd_alive() ? go_mcd_problem_get_target(problem, target, target_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_set_weights(mcd_problem problem, const double *weights, size_t weights_count);
mcd_status mcd_problem_set_weights(mcd_problem problem, const double *weights, size_t weights_count) {
    return mcd_alive() ? go_mcd_problem_set_weights(problem, weights, weights_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_get_weights(mcd_problem problem, double *weights, size_t weights_count);
mcd_status mcd_problem_get_weights(mcd_problem problem, double *weights, size_t weights_count) {
    return mcd_alive() ? go_mcd_problem_get_weights(problem, weights, weights_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_set_loss(mcd_problem problem, const char *loss, double scale);
mcd_status mcd_problem_set_loss(mcd_problem problem, const char *loss, double scale) {
    return mcd_alive() ? go_mcd_problem_set_loss(problem, loss, scale) : mcd_forked();
}

extern mcd_status go_mcd_problem_get_loss(mcd_problem problem, char *out, size_t count, size_t *needed, double *scale);
mcd_status mcd_problem_get_loss(mcd_problem problem, char *out, size_t count, size_t *needed, double *scale) {
    return mcd_alive() ? go_mcd_problem_get_loss(problem, out, count, needed, scale) : mcd_forked();
}

extern mcd_status go_mcd_problem_set_sites(mcd_problem problem, const double *onsite, size_t onsite_count);
mcd_status mcd_problem_set_sites(mcd_problem problem, const double *onsite, size_t onsite_count) {
    return mcd_alive() ? go_mcd_problem_set_sites(problem, onsite, onsite_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_set_gaussians(mcd_problem problem, const double *x, const double *y, const double *amplitude, const double *radius, size_t gaussians_count, uint32_t free);
mcd_status mcd_problem_set_gaussians(mcd_problem problem, const double *x, const double *y, const double *amplitude, const double *radius, size_t gaussians_count, uint32_t free) {
    return mcd_alive() ? go_mcd_problem_set_gaussians(problem, x, y, amplitude, radius, gaussians_count, free) : mcd_forked();
}

extern mcd_status go_mcd_problem_set_gates(mcd_problem problem, const double *basis, size_t basis_count, const double *volts, size_t volts_count);
mcd_status mcd_problem_set_gates(mcd_problem problem, const double *basis, size_t basis_count, const double *volts, size_t volts_count) {
    return mcd_alive() ? go_mcd_problem_set_gates(problem, basis, basis_count, volts, volts_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_set_background(mcd_problem problem, const double *onsite, size_t onsite_count);
mcd_status mcd_problem_set_background(mcd_problem problem, const double *onsite, size_t onsite_count) {
    return mcd_alive() ? go_mcd_problem_set_background(problem, onsite, onsite_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_get_background(mcd_problem problem, double *onsite, size_t onsite_count);
mcd_status mcd_problem_get_background(mcd_problem problem, double *onsite, size_t onsite_count) {
    return mcd_alive() ? go_mcd_problem_get_background(problem, onsite, onsite_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_set_bounds(mcd_problem problem, const double *lower, size_t lower_count, const double *upper, size_t upper_count);
mcd_status mcd_problem_set_bounds(mcd_problem problem, const double *lower, size_t lower_count, const double *upper, size_t upper_count) {
    return mcd_alive() ? go_mcd_problem_set_bounds(problem, lower, lower_count, upper, upper_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_get_bounds(mcd_problem problem, double *lower, size_t lower_count, double *upper, size_t upper_count);
mcd_status mcd_problem_get_bounds(mcd_problem problem, double *lower, size_t lower_count, double *upper, size_t upper_count) {
    return mcd_alive() ? go_mcd_problem_get_bounds(problem, lower, lower_count, upper, upper_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_set_frozen(mcd_problem problem, const uint8_t *frozen, size_t frozen_count);
mcd_status mcd_problem_set_frozen(mcd_problem problem, const uint8_t *frozen, size_t frozen_count) {
    return mcd_alive() ? go_mcd_problem_set_frozen(problem, frozen, frozen_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_get_frozen(mcd_problem problem, uint8_t *frozen, size_t frozen_count);
mcd_status mcd_problem_get_frozen(mcd_problem problem, uint8_t *frozen, size_t frozen_count) {
    return mcd_alive() ? go_mcd_problem_get_frozen(problem, frozen, frozen_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_set_ties(mcd_problem problem, const int64_t *ties, size_t ties_count);
mcd_status mcd_problem_set_ties(mcd_problem problem, const int64_t *ties, size_t ties_count) {
    return mcd_alive() ? go_mcd_problem_set_ties(problem, ties, ties_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_get_ties(mcd_problem problem, int64_t *ties, size_t ties_count);
mcd_status mcd_problem_get_ties(mcd_problem problem, int64_t *ties, size_t ties_count) {
    return mcd_alive() ? go_mcd_problem_get_ties(problem, ties, ties_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_set_mirror(mcd_problem problem, const char *mirror);
mcd_status mcd_problem_set_mirror(mcd_problem problem, const char *mirror) {
    return mcd_alive() ? go_mcd_problem_set_mirror(problem, mirror) : mcd_forked();
}

extern mcd_status go_mcd_problem_get_mirror(mcd_problem problem, char *out, size_t count, size_t *needed);
mcd_status mcd_problem_get_mirror(mcd_problem problem, char *out, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_problem_get_mirror(problem, out, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_problem_set_filter(mcd_problem problem, double radius);
mcd_status mcd_problem_set_filter(mcd_problem problem, double radius) {
    return mcd_alive() ? go_mcd_problem_set_filter(problem, radius) : mcd_forked();
}

extern mcd_status go_mcd_problem_get_filter(mcd_problem problem, double *radius);
mcd_status mcd_problem_get_filter(mcd_problem problem, double *radius) {
    return mcd_alive() ? go_mcd_problem_get_filter(problem, radius) : mcd_forked();
}

extern mcd_status go_mcd_problem_get_parametrization(mcd_problem problem, char *out, size_t count, size_t *needed);
mcd_status mcd_problem_get_parametrization(mcd_problem problem, char *out, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_problem_get_parametrization(problem, out, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_problem_counts(mcd_problem problem, size_t *entries, size_t *parameters);
mcd_status mcd_problem_counts(mcd_problem problem, size_t *entries, size_t *parameters) {
    return mcd_alive() ? go_mcd_problem_counts(problem, entries, parameters) : mcd_forked();
}

extern mcd_status go_mcd_problem_label(mcd_problem problem, size_t parameter, char *out, size_t count, size_t *needed);
mcd_status mcd_problem_label(mcd_problem problem, size_t parameter, char *out, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_problem_label(problem, parameter, out, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_problem_start(mcd_problem problem, double *parameters, size_t parameters_count);
mcd_status mcd_problem_start(mcd_problem problem, double *parameters, size_t parameters_count) {
    return mcd_alive() ? go_mcd_problem_start(problem, parameters, parameters_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_set_regularizer(mcd_problem problem, const char *regularizer, double weight);
mcd_status mcd_problem_set_regularizer(mcd_problem problem, const char *regularizer, double weight) {
    return mcd_alive() ? go_mcd_problem_set_regularizer(problem, regularizer, weight) : mcd_forked();
}

extern mcd_status go_mcd_problem_get_regularizer(mcd_problem problem, const char *regularizer, double *weight);
mcd_status mcd_problem_get_regularizer(mcd_problem problem, const char *regularizer, double *weight) {
    return mcd_alive() ? go_mcd_problem_get_regularizer(problem, regularizer, weight) : mcd_forked();
}

extern mcd_status go_mcd_problem_onsite(mcd_problem problem, const double *parameters, size_t parameters_count, double *onsite, size_t onsite_count);
mcd_status mcd_problem_onsite(mcd_problem problem, const double *parameters, size_t parameters_count, double *onsite, size_t onsite_count) {
    return mcd_alive() ? go_mcd_problem_onsite(problem, parameters, parameters_count, onsite, onsite_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_objective(mcd_problem problem, const double *parameters, size_t parameters_count, double *objective, double *gradient, size_t gradient_count);
mcd_status mcd_problem_objective(mcd_problem problem, const double *parameters, size_t parameters_count, double *objective, double *gradient, size_t gradient_count) {
    return mcd_alive() ? go_mcd_problem_objective(problem, parameters, parameters_count, objective, gradient, gradient_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_identify(mcd_problem problem, const double *parameters, size_t parameters_count, double sigma, int64_t *rank, double *singular_values, size_t singular_values_count, double *combinations, size_t combinations_count, double *errors, size_t errors_count, double *sensitivity, size_t sensitivity_count);
mcd_status mcd_problem_identify(mcd_problem problem, const double *parameters, size_t parameters_count, double sigma, int64_t *rank, double *singular_values, size_t singular_values_count, double *combinations, size_t combinations_count, double *errors, size_t errors_count, double *sensitivity, size_t sensitivity_count) {
    return mcd_alive() ? go_mcd_problem_identify(problem, parameters, parameters_count, sigma, rank, singular_values, singular_values_count, combinations, combinations_count, errors, errors_count, sensitivity, sensitivity_count) : mcd_forked();
}

extern mcd_status go_mcd_problem_encode(mcd_problem problem, uint8_t *out, size_t count, size_t *needed);
mcd_status mcd_problem_encode(mcd_problem problem, uint8_t *out, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_problem_encode(problem, out, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_problem_decode(const uint8_t *bytes, size_t bytes_count, mcd_problem *problem);
mcd_status mcd_problem_decode(const uint8_t *bytes, size_t bytes_count, mcd_problem *problem) {
    return mcd_alive() ? go_mcd_problem_decode(bytes, bytes_count, problem) : mcd_forked();
}

extern mcd_status go_mcd_problem_save(mcd_problem problem, const char *path);
mcd_status mcd_problem_save(mcd_problem problem, const char *path) {
    return mcd_alive() ? go_mcd_problem_save(problem, path) : mcd_forked();
}

extern mcd_status go_mcd_problem_load(const char *path, mcd_problem *problem);
mcd_status mcd_problem_load(const char *path, mcd_problem *problem) {
    return mcd_alive() ? go_mcd_problem_load(path, problem) : mcd_forked();
}

extern mcd_status go_mcd_job_create_design(mcd_problem problem, mcd_job *job);
mcd_status mcd_job_create_design(mcd_problem problem, mcd_job *job) {
    return mcd_alive() ? go_mcd_job_create_design(problem, job) : mcd_forked();
}

extern mcd_status go_mcd_job_create_defect(mcd_wire wire, const double *target, size_t target_count, int64_t defects, double sigma, mcd_job *job);
mcd_status mcd_job_create_defect(mcd_wire wire, const double *target, size_t target_count, int64_t defects, double sigma, mcd_job *job) {
    return mcd_alive() ? go_mcd_job_create_defect(wire, target, target_count, defects, sigma, job) : mcd_forked();
}

extern mcd_status go_mcd_job_create_locate(mcd_problem problem, int64_t defects, double sigma, mcd_job *job);
mcd_status mcd_job_create_locate(mcd_problem problem, int64_t defects, double sigma, mcd_job *job) {
    return mcd_alive() ? go_mcd_job_create_locate(problem, defects, sigma, job) : mcd_forked();
}

extern mcd_status go_mcd_job_create_smooth(mcd_problem problem, double level, mcd_job *job);
mcd_status mcd_job_create_smooth(mcd_problem problem, double level, mcd_job *job) {
    return mcd_alive() ? go_mcd_job_create_smooth(problem, level, job) : mcd_forked();
}

extern mcd_status go_mcd_job_create_quantize(mcd_problem problem, double step, double origin, mcd_job *job);
mcd_status mcd_job_create_quantize(mcd_problem problem, double step, double origin, mcd_job *job) {
    return mcd_alive() ? go_mcd_job_create_quantize(problem, step, origin, job) : mcd_forked();
}

extern mcd_status go_mcd_job_create_resume(const char *path, mcd_job *job);
mcd_status mcd_job_create_resume(const char *path, mcd_job *job) {
    return mcd_alive() ? go_mcd_job_create_resume(path, job) : mcd_forked();
}

extern mcd_status go_mcd_job_set_method(mcd_job job, const char *method);
mcd_status mcd_job_set_method(mcd_job job, const char *method) {
    return mcd_alive() ? go_mcd_job_set_method(job, method) : mcd_forked();
}

extern mcd_status go_mcd_job_get_method(mcd_job job, char *out, size_t count, size_t *needed);
mcd_status mcd_job_get_method(mcd_job job, char *out, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_job_get_method(job, out, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_job_set_learning_rate(mcd_job job, double rate);
mcd_status mcd_job_set_learning_rate(mcd_job job, double rate) {
    return mcd_alive() ? go_mcd_job_set_learning_rate(job, rate) : mcd_forked();
}

extern mcd_status go_mcd_job_get_learning_rate(mcd_job job, double *rate);
mcd_status mcd_job_get_learning_rate(mcd_job job, double *rate) {
    return mcd_alive() ? go_mcd_job_get_learning_rate(job, rate) : mcd_forked();
}

extern mcd_status go_mcd_job_set_schedule(mcd_job job, const int64_t *steps, size_t steps_count, const double *factors, size_t factors_count);
mcd_status mcd_job_set_schedule(mcd_job job, const int64_t *steps, size_t steps_count, const double *factors, size_t factors_count) {
    return mcd_alive() ? go_mcd_job_set_schedule(job, steps, steps_count, factors, factors_count) : mcd_forked();
}

extern mcd_status go_mcd_job_set_named_schedule(mcd_job job, const char *schedule);
mcd_status mcd_job_set_named_schedule(mcd_job job, const char *schedule) {
    return mcd_alive() ? go_mcd_job_set_named_schedule(job, schedule) : mcd_forked();
}

extern mcd_status go_mcd_job_get_schedule(mcd_job job, int64_t *steps, double *factors, size_t count, size_t *needed);
mcd_status mcd_job_get_schedule(mcd_job job, int64_t *steps, double *factors, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_job_get_schedule(job, steps, factors, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_job_set_max_evaluations(mcd_job job, int64_t evaluations);
mcd_status mcd_job_set_max_evaluations(mcd_job job, int64_t evaluations) {
    return mcd_alive() ? go_mcd_job_set_max_evaluations(job, evaluations) : mcd_forked();
}

extern mcd_status go_mcd_job_get_max_evaluations(mcd_job job, int64_t *evaluations);
mcd_status mcd_job_get_max_evaluations(mcd_job job, int64_t *evaluations) {
    return mcd_alive() ? go_mcd_job_get_max_evaluations(job, evaluations) : mcd_forked();
}

extern mcd_status go_mcd_job_set_max_iterations(mcd_job job, int64_t iterations);
mcd_status mcd_job_set_max_iterations(mcd_job job, int64_t iterations) {
    return mcd_alive() ? go_mcd_job_set_max_iterations(job, iterations) : mcd_forked();
}

extern mcd_status go_mcd_job_get_max_iterations(mcd_job job, int64_t *iterations);
mcd_status mcd_job_get_max_iterations(mcd_job job, int64_t *iterations) {
    return mcd_alive() ? go_mcd_job_get_max_iterations(job, iterations) : mcd_forked();
}

extern mcd_status go_mcd_job_set_time_limit(mcd_job job, double seconds);
mcd_status mcd_job_set_time_limit(mcd_job job, double seconds) {
    return mcd_alive() ? go_mcd_job_set_time_limit(job, seconds) : mcd_forked();
}

extern mcd_status go_mcd_job_get_time_limit(mcd_job job, double *seconds);
mcd_status mcd_job_get_time_limit(mcd_job job, double *seconds) {
    return mcd_alive() ? go_mcd_job_get_time_limit(job, seconds) : mcd_forked();
}

extern mcd_status go_mcd_job_set_stop_objective(mcd_job job, double objective);
mcd_status mcd_job_set_stop_objective(mcd_job job, double objective) {
    return mcd_alive() ? go_mcd_job_set_stop_objective(job, objective) : mcd_forked();
}

extern mcd_status go_mcd_job_get_stop_objective(mcd_job job, double *objective);
mcd_status mcd_job_get_stop_objective(mcd_job job, double *objective) {
    return mcd_alive() ? go_mcd_job_get_stop_objective(job, objective) : mcd_forked();
}

extern mcd_status go_mcd_job_set_step_tolerance(mcd_job job, double tolerance);
mcd_status mcd_job_set_step_tolerance(mcd_job job, double tolerance) {
    return mcd_alive() ? go_mcd_job_set_step_tolerance(job, tolerance) : mcd_forked();
}

extern mcd_status go_mcd_job_get_step_tolerance(mcd_job job, double *tolerance);
mcd_status mcd_job_get_step_tolerance(mcd_job job, double *tolerance) {
    return mcd_alive() ? go_mcd_job_get_step_tolerance(job, tolerance) : mcd_forked();
}

extern mcd_status go_mcd_job_set_gradient_tolerance(mcd_job job, double tolerance);
mcd_status mcd_job_set_gradient_tolerance(mcd_job job, double tolerance) {
    return mcd_alive() ? go_mcd_job_set_gradient_tolerance(job, tolerance) : mcd_forked();
}

extern mcd_status go_mcd_job_get_gradient_tolerance(mcd_job job, double *tolerance);
mcd_status mcd_job_get_gradient_tolerance(mcd_job job, double *tolerance) {
    return mcd_alive() ? go_mcd_job_get_gradient_tolerance(job, tolerance) : mcd_forked();
}

extern mcd_status go_mcd_job_set_stall(mcd_job job, int64_t iterations, double tolerance);
mcd_status mcd_job_set_stall(mcd_job job, int64_t iterations, double tolerance) {
    return mcd_alive() ? go_mcd_job_set_stall(job, iterations, tolerance) : mcd_forked();
}

extern mcd_status go_mcd_job_get_stall(mcd_job job, int64_t *iterations, double *tolerance);
mcd_status mcd_job_get_stall(mcd_job job, int64_t *iterations, double *tolerance) {
    return mcd_alive() ? go_mcd_job_get_stall(job, iterations, tolerance) : mcd_forked();
}

extern mcd_status go_mcd_job_set_starts(mcd_job job, int64_t starts, double spread);
mcd_status mcd_job_set_starts(mcd_job job, int64_t starts, double spread) {
    return mcd_alive() ? go_mcd_job_set_starts(job, starts, spread) : mcd_forked();
}

extern mcd_status go_mcd_job_get_starts(mcd_job job, int64_t *starts, double *spread);
mcd_status mcd_job_get_starts(mcd_job job, int64_t *starts, double *spread) {
    return mcd_alive() ? go_mcd_job_get_starts(job, starts, spread) : mcd_forked();
}

extern mcd_status go_mcd_job_set_distinct(mcd_job job, double distinct);
mcd_status mcd_job_set_distinct(mcd_job job, double distinct) {
    return mcd_alive() ? go_mcd_job_set_distinct(job, distinct) : mcd_forked();
}

extern mcd_status go_mcd_job_get_distinct(mcd_job job, double *distinct);
mcd_status mcd_job_get_distinct(mcd_job job, double *distinct) {
    return mcd_alive() ? go_mcd_job_get_distinct(job, distinct) : mcd_forked();
}

extern mcd_status go_mcd_job_set_seed(mcd_job job, uint64_t seed);
mcd_status mcd_job_set_seed(mcd_job job, uint64_t seed) {
    return mcd_alive() ? go_mcd_job_set_seed(job, seed) : mcd_forked();
}

extern mcd_status go_mcd_job_get_seed(mcd_job job, uint64_t *seed);
mcd_status mcd_job_get_seed(mcd_job job, uint64_t *seed) {
    return mcd_alive() ? go_mcd_job_get_seed(job, seed) : mcd_forked();
}

extern mcd_status go_mcd_job_set_checkpoint(mcd_job job, const char *path, double interval);
mcd_status mcd_job_set_checkpoint(mcd_job job, const char *path, double interval) {
    return mcd_alive() ? go_mcd_job_set_checkpoint(job, path, interval) : mcd_forked();
}

extern mcd_status go_mcd_job_get_checkpoint(mcd_job job, char *out, size_t count, size_t *needed, double *interval);
mcd_status mcd_job_get_checkpoint(mcd_job job, char *out, size_t count, size_t *needed, double *interval) {
    return mcd_alive() ? go_mcd_job_get_checkpoint(job, out, count, needed, interval) : mcd_forked();
}

extern mcd_status go_mcd_job_start(mcd_job job);
mcd_status mcd_job_start(mcd_job job) {
    return mcd_alive() ? go_mcd_job_start(job) : mcd_forked();
}

extern mcd_status go_mcd_job_wait(mcd_job job, double timeout, mcd_callback callback, void *user);
mcd_status mcd_job_wait(mcd_job job, double timeout, mcd_callback callback, void *user) {
    return mcd_alive() ? go_mcd_job_wait(job, timeout, callback, user) : mcd_forked();
}

extern mcd_status go_mcd_job_progress(mcd_job job, mcd_progress *progress);
mcd_status mcd_job_progress(mcd_job job, mcd_progress *progress) {
    return mcd_alive() ? go_mcd_job_progress(job, progress) : mcd_forked();
}

extern mcd_status go_mcd_job_cancel(mcd_job job);
mcd_status mcd_job_cancel(mcd_job job) {
    return mcd_alive() ? go_mcd_job_cancel(job) : mcd_forked();
}

extern mcd_status go_mcd_job_history(mcd_job job, const char *column, double *out, size_t count, size_t *needed);
mcd_status mcd_job_history(mcd_job job, const char *column, double *out, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_job_history(job, column, out, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_job_best(mcd_job job, double *onsite, size_t onsite_count);
mcd_status mcd_job_best(mcd_job job, double *onsite, size_t onsite_count) {
    return mcd_alive() ? go_mcd_job_best(job, onsite, onsite_count) : mcd_forked();
}

extern mcd_status go_mcd_job_result(mcd_job job, mcd_result *result);
mcd_status mcd_job_result(mcd_job job, mcd_result *result) {
    return mcd_alive() ? go_mcd_job_result(job, result) : mcd_forked();
}

extern mcd_status go_mcd_result_problem(mcd_result result, mcd_problem *problem);
mcd_status mcd_result_problem(mcd_result result, mcd_problem *problem) {
    return mcd_alive() ? go_mcd_result_problem(result, problem) : mcd_forked();
}

extern mcd_status go_mcd_result_onsite(mcd_result result, double *onsite, size_t onsite_count);
mcd_status mcd_result_onsite(mcd_result result, double *onsite, size_t onsite_count) {
    return mcd_alive() ? go_mcd_result_onsite(result, onsite, onsite_count) : mcd_forked();
}

extern mcd_status go_mcd_result_conductance(mcd_result result, double *g, size_t g_count);
mcd_status mcd_result_conductance(mcd_result result, double *g, size_t g_count) {
    return mcd_alive() ? go_mcd_result_conductance(result, g, g_count) : mcd_forked();
}

extern mcd_status go_mcd_result_parameters(mcd_result result, double *parameters, size_t parameters_count);
mcd_status mcd_result_parameters(mcd_result result, double *parameters, size_t parameters_count) {
    return mcd_alive() ? go_mcd_result_parameters(result, parameters, parameters_count) : mcd_forked();
}

extern mcd_status go_mcd_result_entries(mcd_result result, double *entries, size_t entries_count);
mcd_status mcd_result_entries(mcd_result result, double *entries, size_t entries_count) {
    return mcd_alive() ? go_mcd_result_entries(result, entries, entries_count) : mcd_forked();
}

extern mcd_status go_mcd_result_errors(mcd_result result, double *errors, size_t errors_count);
mcd_status mcd_result_errors(mcd_result result, double *errors, size_t errors_count) {
    return mcd_alive() ? go_mcd_result_errors(result, errors, errors_count) : mcd_forked();
}

extern mcd_status go_mcd_result_quantity(mcd_result result, const char *name, double *out, size_t count, size_t *needed);
mcd_status mcd_result_quantity(mcd_result result, const char *name, double *out, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_result_quantity(result, name, out, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_result_quantity_error(mcd_result result, const char *name, double *out, size_t count, size_t *needed);
mcd_status mcd_result_quantity_error(mcd_result result, const char *name, double *out, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_result_quantity_error(result, name, out, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_result_objective(mcd_result result, double *objective);
mcd_status mcd_result_objective(mcd_result result, double *objective) {
    return mcd_alive() ? go_mcd_result_objective(result, objective) : mcd_forked();
}

extern mcd_status go_mcd_result_evaluations(mcd_result result, int64_t *evaluations);
mcd_status mcd_result_evaluations(mcd_result result, int64_t *evaluations) {
    return mcd_alive() ? go_mcd_result_evaluations(result, evaluations) : mcd_forked();
}

extern mcd_status go_mcd_result_seconds(mcd_result result, double *seconds);
mcd_status mcd_result_seconds(mcd_result result, double *seconds) {
    return mcd_alive() ? go_mcd_result_seconds(result, seconds) : mcd_forked();
}

extern mcd_status go_mcd_result_status(mcd_result result, char *out, size_t count, size_t *needed);
mcd_status mcd_result_status(mcd_result result, char *out, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_result_status(result, out, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_result_message(mcd_result result, char *out, size_t count, size_t *needed);
mcd_status mcd_result_message(mcd_result result, char *out, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_result_message(result, out, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_result_backend(mcd_result result, char *out, size_t count, size_t *needed);
mcd_status mcd_result_backend(mcd_result result, char *out, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_result_backend(result, out, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_result_history(mcd_result result, const char *column, double *out, size_t count, size_t *needed);
mcd_status mcd_result_history(mcd_result result, const char *column, double *out, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_result_history(result, column, out, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_result_outcomes(mcd_result result, size_t *count);
mcd_status mcd_result_outcomes(mcd_result result, size_t *count) {
    return mcd_alive() ? go_mcd_result_outcomes(result, count) : mcd_forked();
}

extern mcd_status go_mcd_result_outcome(mcd_result result, size_t index, mcd_result *outcome);
mcd_status mcd_result_outcome(mcd_result result, size_t index, mcd_result *outcome) {
    return mcd_alive() ? go_mcd_result_outcome(result, index, outcome) : mcd_forked();
}

extern mcd_status go_mcd_result_encode(mcd_result result, uint8_t *out, size_t count, size_t *needed);
mcd_status mcd_result_encode(mcd_result result, uint8_t *out, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_result_encode(result, out, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_result_decode(const uint8_t *bytes, size_t bytes_count, mcd_result *result);
mcd_status mcd_result_decode(const uint8_t *bytes, size_t bytes_count, mcd_result *result) {
    return mcd_alive() ? go_mcd_result_decode(bytes, bytes_count, result) : mcd_forked();
}

extern mcd_status go_mcd_result_save(mcd_result result, const char *path);
mcd_status mcd_result_save(mcd_result result, const char *path) {
    return mcd_alive() ? go_mcd_result_save(result, path) : mcd_forked();
}

extern mcd_status go_mcd_result_load(const char *path, mcd_result *result);
mcd_status mcd_result_load(const char *path, mcd_result *result) {
    return mcd_alive() ? go_mcd_result_load(path, result) : mcd_forked();
}

extern mcd_status go_mcd_system_create(int64_t orbitals, const int64_t *rows, size_t rows_count, const int64_t *cols, size_t cols_count, const double *energies, size_t energies_count, mcd_system *system);
mcd_status mcd_system_create(int64_t orbitals, const int64_t *rows, size_t rows_count, const int64_t *cols, size_t cols_count, const double *energies, size_t energies_count, mcd_system *system) {
    return mcd_alive() ? go_mcd_system_create(orbitals, rows, rows_count, cols, cols_count, energies, energies_count, system) : mcd_forked();
}

extern mcd_status go_mcd_system_set_values(mcd_system system, const double *values, size_t values_count);
mcd_status mcd_system_set_values(mcd_system system, const double *values, size_t values_count) {
    return mcd_alive() ? go_mcd_system_set_values(system, values, values_count) : mcd_forked();
}

extern mcd_status go_mcd_system_set_hermitian(mcd_system system, int32_t hermitian);
mcd_status mcd_system_set_hermitian(mcd_system system, int32_t hermitian) {
    return mcd_alive() ? go_mcd_system_set_hermitian(system, hermitian) : mcd_forked();
}

extern mcd_status go_mcd_system_get_hermitian(mcd_system system, int32_t *hermitian);
mcd_status mcd_system_get_hermitian(mcd_system system, int32_t *hermitian) {
    return mcd_alive() ? go_mcd_system_get_hermitian(system, hermitian) : mcd_forked();
}

extern mcd_status go_mcd_system_set_positions(mcd_system system, const double *positions, size_t positions_count, int64_t dimensions);
mcd_status mcd_system_set_positions(mcd_system system, const double *positions, size_t positions_count, int64_t dimensions) {
    return mcd_alive() ? go_mcd_system_set_positions(system, positions, positions_count, dimensions) : mcd_forked();
}

extern mcd_status go_mcd_system_set_threads(mcd_system system, int64_t threads);
mcd_status mcd_system_set_threads(mcd_system system, int64_t threads) {
    return mcd_alive() ? go_mcd_system_set_threads(system, threads) : mcd_forked();
}

extern mcd_status go_mcd_system_get_threads(mcd_system system, int64_t *threads);
mcd_status mcd_system_get_threads(mcd_system system, int64_t *threads) {
    return mcd_alive() ? go_mcd_system_get_threads(system, threads) : mcd_forked();
}

extern mcd_status go_mcd_system_set_memory_limit(mcd_system system, int64_t bytes);
mcd_status mcd_system_set_memory_limit(mcd_system system, int64_t bytes) {
    return mcd_alive() ? go_mcd_system_set_memory_limit(system, bytes) : mcd_forked();
}

extern mcd_status go_mcd_system_get_memory_limit(mcd_system system, int64_t *bytes);
mcd_status mcd_system_get_memory_limit(mcd_system system, int64_t *bytes) {
    return mcd_alive() ? go_mcd_system_get_memory_limit(system, bytes) : mcd_forked();
}

extern mcd_status go_mcd_system_add_lead(mcd_system system, const int64_t *interface_orbitals, size_t interface_orbitals_count, int64_t orbitals, const double *cell, size_t cell_count, const double *hopping, size_t hopping_count);
mcd_status mcd_system_add_lead(mcd_system system, const int64_t *interface_orbitals, size_t interface_orbitals_count, int64_t orbitals, const double *cell, size_t cell_count, const double *hopping, size_t hopping_count) {
    return mcd_alive() ? go_mcd_system_add_lead(system, interface_orbitals, interface_orbitals_count, orbitals, cell, cell_count, hopping, hopping_count) : mcd_forked();
}

extern mcd_status go_mcd_system_add_self_energy(mcd_system system, const int64_t *interface_orbitals, size_t interface_orbitals_count, const double *sigma, size_t sigma_count, const int64_t *modes, size_t modes_count, const double *in, size_t in_count, const double *out, size_t out_count, const double *direct, size_t direct_count);
mcd_status mcd_system_add_self_energy(mcd_system system, const int64_t *interface_orbitals, size_t interface_orbitals_count, const double *sigma, size_t sigma_count, const int64_t *modes, size_t modes_count, const double *in, size_t in_count, const double *out, size_t out_count, const double *direct, size_t direct_count) {
    return mcd_alive() ? go_mcd_system_add_self_energy(system, interface_orbitals, interface_orbitals_count, sigma, sigma_count, modes, modes_count, in, in_count, out, out_count, direct, direct_count) : mcd_forked();
}

extern mcd_status go_mcd_system_shape(mcd_system system, int64_t *orbitals, int64_t *entries, int64_t *points, int64_t *leads);
mcd_status mcd_system_shape(mcd_system system, int64_t *orbitals, int64_t *entries, int64_t *points, int64_t *leads) {
    return mcd_alive() ? go_mcd_system_shape(system, orbitals, entries, points, leads) : mcd_forked();
}

extern mcd_status go_mcd_system_copy(mcd_system system, mcd_system *copy);
mcd_status mcd_system_copy(mcd_system system, mcd_system *copy) {
    return mcd_alive() ? go_mcd_system_copy(system, copy) : mcd_forked();
}

extern mcd_status go_mcd_system_pattern(mcd_system system, int64_t *rows, size_t rows_count, int64_t *cols, size_t cols_count);
mcd_status mcd_system_pattern(mcd_system system, int64_t *rows, size_t rows_count, int64_t *cols, size_t cols_count) {
    return mcd_alive() ? go_mcd_system_pattern(system, rows, rows_count, cols, cols_count) : mcd_forked();
}

extern mcd_status go_mcd_system_values(mcd_system system, double *values, size_t count);
mcd_status mcd_system_values(mcd_system system, double *values, size_t count) {
    return mcd_alive() ? go_mcd_system_values(system, values, count) : mcd_forked();
}

extern mcd_status go_mcd_system_energies(mcd_system system, double *energies, size_t count);
mcd_status mcd_system_energies(mcd_system system, double *energies, size_t count) {
    return mcd_alive() ? go_mcd_system_energies(system, energies, count) : mcd_forked();
}

extern mcd_status go_mcd_system_positions(mcd_system system, double *positions, size_t count, size_t *needed, int64_t *dimensions);
mcd_status mcd_system_positions(mcd_system system, double *positions, size_t count, size_t *needed, int64_t *dimensions) {
    return mcd_alive() ? go_mcd_system_positions(system, positions, count, needed, dimensions) : mcd_forked();
}

extern mcd_status go_mcd_system_lead(mcd_system system, int64_t lead, int64_t *orbitals, int64_t *touched, size_t count, size_t *needed);
mcd_status mcd_system_lead(mcd_system system, int64_t lead, int64_t *orbitals, int64_t *touched, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_system_lead(system, lead, orbitals, touched, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_system_backend(mcd_system system, char *out, size_t count, size_t *needed);
mcd_status mcd_system_backend(mcd_system system, char *out, size_t count, size_t *needed) {
    return mcd_alive() ? go_mcd_system_backend(system, out, count, needed) : mcd_forked();
}

extern mcd_status go_mcd_system_open_modes(mcd_system system, int64_t *modes, size_t modes_count);
mcd_status mcd_system_open_modes(mcd_system system, int64_t *modes, size_t modes_count) {
    return mcd_alive() ? go_mcd_system_open_modes(system, modes, modes_count) : mcd_forked();
}

extern mcd_status go_mcd_system_transmission_matrix(mcd_system system, const double *onsite, size_t onsite_count, double *matrix, size_t matrix_count);
mcd_status mcd_system_transmission_matrix(mcd_system system, const double *onsite, size_t onsite_count, double *matrix, size_t matrix_count) {
    return mcd_alive() ? go_mcd_system_transmission_matrix(system, onsite, onsite_count, matrix, matrix_count) : mcd_forked();
}

extern mcd_status go_mcd_system_transmission(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite, size_t onsite_count, double *g, size_t g_count);
mcd_status mcd_system_transmission(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite, size_t onsite_count, double *g, size_t g_count) {
    return mcd_alive() ? go_mcd_system_transmission(system, pairs, pairs_count, onsite, onsite_count, g, g_count) : mcd_forked();
}

extern mcd_status go_mcd_system_jacobian(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite, size_t onsite_count, double *g, size_t g_count, double *jacobian, size_t jacobian_count);
mcd_status mcd_system_jacobian(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite, size_t onsite_count, double *g, size_t g_count, double *jacobian, size_t jacobian_count) {
    return mcd_alive() ? go_mcd_system_jacobian(system, pairs, pairs_count, onsite, onsite_count, g, g_count, jacobian, jacobian_count) : mcd_forked();
}

extern mcd_status go_mcd_system_vjp(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite, size_t onsite_count, const double *weights, size_t weights_count, double *g, size_t g_count, double *gradient, size_t gradient_count);
mcd_status mcd_system_vjp(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite, size_t onsite_count, const double *weights, size_t weights_count, double *g, size_t g_count, double *gradient, size_t gradient_count) {
    return mcd_alive() ? go_mcd_system_vjp(system, pairs, pairs_count, onsite, onsite_count, weights, weights_count, g, g_count, gradient, gradient_count) : mcd_forked();
}

extern mcd_status go_mcd_system_combined_jacobian(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite, size_t onsite_count, const double *weights, size_t weights_count, double *g, size_t g_count, double *jacobian, size_t jacobian_count);
mcd_status mcd_system_combined_jacobian(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite, size_t onsite_count, const double *weights, size_t weights_count, double *g, size_t g_count, double *jacobian, size_t jacobian_count) {
    return mcd_alive() ? go_mcd_system_combined_jacobian(system, pairs, pairs_count, onsite, onsite_count, weights, weights_count, g, g_count, jacobian, jacobian_count) : mcd_forked();
}

extern mcd_status go_mcd_system_noise(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite, size_t onsite_count, double *g, size_t g_count, double *noise, size_t noise_count);
mcd_status mcd_system_noise(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite, size_t onsite_count, double *g, size_t g_count, double *noise, size_t noise_count) {
    return mcd_alive() ? go_mcd_system_noise(system, pairs, pairs_count, onsite, onsite_count, g, g_count, noise, noise_count) : mcd_forked();
}

extern mcd_status go_mcd_system_hamiltonian_vjp(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite, size_t onsite_count, const double *weights, size_t weights_count, double *g, size_t g_count, double *gradient, size_t gradient_count);
mcd_status mcd_system_hamiltonian_vjp(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite, size_t onsite_count, const double *weights, size_t weights_count, double *g, size_t g_count, double *gradient, size_t gradient_count) {
    return mcd_alive() ? go_mcd_system_hamiltonian_vjp(system, pairs, pairs_count, onsite, onsite_count, weights, weights_count, g, g_count, gradient, gradient_count) : mcd_forked();
}

extern mcd_status go_mcd_system_hopping_jacobian(mcd_system system, const int64_t *pairs, size_t pairs_count, const int64_t *hoppings, size_t hoppings_count, const double *onsite, size_t onsite_count, double *g, size_t g_count, double *jacobian, size_t jacobian_count);
mcd_status mcd_system_hopping_jacobian(mcd_system system, const int64_t *pairs, size_t pairs_count, const int64_t *hoppings, size_t hoppings_count, const double *onsite, size_t onsite_count, double *g, size_t g_count, double *jacobian, size_t jacobian_count) {
    return mcd_alive() ? go_mcd_system_hopping_jacobian(system, pairs, pairs_count, hoppings, hoppings_count, onsite, onsite_count, g, g_count, jacobian, jacobian_count) : mcd_forked();
}

extern mcd_status go_mcd_system_derivative(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite, size_t onsite_count, const double *values, size_t values_count, const double *energies, size_t energies_count, const double *leads, size_t leads_count, double *g, size_t g_count, double *derivative, size_t derivative_count);
mcd_status mcd_system_derivative(mcd_system system, const int64_t *pairs, size_t pairs_count, const double *onsite, size_t onsite_count, const double *values, size_t values_count, const double *energies, size_t energies_count, const double *leads, size_t leads_count, double *g, size_t g_count, double *derivative, size_t derivative_count) {
    return mcd_alive() ? go_mcd_system_derivative(system, pairs, pairs_count, onsite, onsite_count, values, values_count, energies, energies_count, leads, leads_count, g, g_count, derivative, derivative_count) : mcd_forked();
}

extern mcd_status go_mcd_system_smatrix(mcd_system system, const double *onsite, size_t onsite_count, int64_t point, double *s, size_t s_count, size_t *needed);
mcd_status mcd_system_smatrix(mcd_system system, const double *onsite, size_t onsite_count, int64_t point, double *s, size_t s_count, size_t *needed) {
    return mcd_alive() ? go_mcd_system_smatrix(system, onsite, onsite_count, point, s, s_count, needed) : mcd_forked();
}

extern mcd_status go_mcd_system_green(mcd_system system, const double *onsite, size_t onsite_count, int64_t point, int64_t to, int64_t from, double *green, size_t green_count, size_t *needed);
mcd_status mcd_system_green(mcd_system system, const double *onsite, size_t onsite_count, int64_t point, int64_t to, int64_t from, double *green, size_t green_count, size_t *needed) {
    return mcd_alive() ? go_mcd_system_green(system, onsite, onsite_count, point, to, from, green, green_count, needed) : mcd_forked();
}

extern mcd_status go_mcd_system_wave_function(mcd_system system, const double *onsite, size_t onsite_count, int64_t point, int64_t from, double *psi, size_t psi_count, size_t *needed);
mcd_status mcd_system_wave_function(mcd_system system, const double *onsite, size_t onsite_count, int64_t point, int64_t from, double *psi, size_t psi_count, size_t *needed) {
    return mcd_alive() ? go_mcd_system_wave_function(system, onsite, onsite_count, point, from, psi, psi_count, needed) : mcd_forked();
}

extern mcd_status go_mcd_system_currents(mcd_system system, const double *onsite, size_t onsite_count, int64_t point, int64_t from, double *currents, size_t currents_count);
mcd_status mcd_system_currents(mcd_system system, const double *onsite, size_t onsite_count, int64_t point, int64_t from, double *currents, size_t currents_count) {
    return mcd_alive() ? go_mcd_system_currents(system, onsite, onsite_count, point, from, currents, currents_count) : mcd_forked();
}

extern mcd_status go_mcd_system_ldos(mcd_system system, const double *onsite, size_t onsite_count, const int64_t *points, size_t points_count, double *ldos, size_t ldos_count);
mcd_status mcd_system_ldos(mcd_system system, const double *onsite, size_t onsite_count, const int64_t *points, size_t points_count, double *ldos, size_t ldos_count) {
    return mcd_alive() ? go_mcd_system_ldos(system, onsite, onsite_count, points, points_count, ldos, ldos_count) : mcd_forked();
}

extern mcd_status go_mcd_system_cancel(mcd_system system);
mcd_status mcd_system_cancel(mcd_system system) {
    return mcd_alive() ? go_mcd_system_cancel(system) : mcd_forked();
}

extern mcd_status go_mcd_private_fault(int32_t what, int64_t count);
mcd_status mcd_private_fault(int32_t what, int64_t count) {
    return mcd_alive() ? go_mcd_private_fault(what, count) : mcd_forked();
}
