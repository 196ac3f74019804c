/*
 * mcd.hpp: mcd.h for C++17 and later, header only, with nothing but the standard library.
 *
 *   mcd::Wire wire(30, 30, fields, 1.2);
 *   std::vector<double> g = wire.conductance(onsite);
 *   mcd::Result found = mcd::Job::find_defect(wire, g).run();
 *
 * Conventions, units, thread safety and behaviour after fork are those of mcd.h, function by function; here is only what
 * C++ adds.
 *   - Objects own one handle each, are moved and never copied, and free it at the end of their life. A moved-from object
 *     holds no handle: calls on it throw HandleError.
 *   - Statuses below zero become exceptions: an Error with status() and the library's message as what(), of the class that
 *     is named after the status, so that one kind can be caught alone.
 *   - Arrays are spans: a pointer and a count over memory of yours, read or written in place and only during the call.
 *     mcd::span is std::span where the library has it and a small stand-in in C++17; vectors, arrays and anything with
 *     data() and size() convert. Every function that fills a span has a twin that returns a vector.
 *   - Times are std::chrono durations. Callbacks run on the thread that waits; exceptions thrown in them cancel the job and
 *     are thrown again by the call that waited.
 */
#ifndef MCD_HPP
#define MCD_HPP

#include "mcd.h"

#include <array>
#include <chrono>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>
#if __cplusplus >= 202002L
#include <version>
#endif
#ifdef __cpp_lib_span
#include <span>
#endif

namespace mcd {

/* -------------------------------------------------------------------------------------------------------------- spans */

#ifdef __cpp_lib_span
template <class T> using span = std::span<T>;
#else
/* What std::span offers to those who call this header: a view of count elements that others own. */
template <class T> class span {
    template <class C> using elements = std::remove_pointer_t<decltype(std::declval<C &>().data())>;

public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;
    using iterator = T *;

    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t count) noexcept : data_(data), count_(count) {}
    template <std::size_t N> constexpr span(T (&array)[N]) noexcept : data_(array), count_(N) {}
    template <class C, class = std::enable_if_t<std::is_convertible_v<elements<C> (*)[], T (*)[]>>>
    constexpr span(C &&container) : data_(container.data()), count_(container.size()) {}

    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return count_; }
    constexpr bool empty() const noexcept { return count_ == 0; }
    constexpr T &operator[](std::size_t i) const { return data_[i]; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + count_; }
    constexpr span subspan(std::size_t offset, std::size_t count) const { return {data_ + offset, count}; }

private:
    T *data_ = nullptr;
    std::size_t count_ = 0;
};
#endif

/* ------------------------------------------------------------------------------------------------------------- errors */

/* Something that mcd could not do: what() names the argument, its value and the remedy. */
class Error : public std::runtime_error {
public:
    Error(mcd_status status, const std::string &message) : std::runtime_error(message), status_(status) {}
    mcd_status status() const noexcept { return status_; }

private:
    mcd_status status_;
};

/* The class of one status. */
template <mcd_status Status> class ErrorOf : public Error {
public:
    explicit ErrorOf(const std::string &message) : Error(Status, message) {}
};

using ArgumentError = ErrorOf<MCD_ERR_ARGUMENT>;
using HandleError = ErrorOf<MCD_ERR_HANDLE>;
using SizeError = ErrorOf<MCD_ERR_SIZE>;
using MemoryLimitError = ErrorOf<MCD_ERR_NOMEM>;
using CancelledError = ErrorOf<MCD_ERR_CANCELLED>;
using FileError = ErrorOf<MCD_ERR_FILE>;
using NumericalError = ErrorOf<MCD_ERR_NUMERICAL>;
using UnsupportedError = ErrorOf<MCD_ERR_UNSUPPORTED>;
using StateError = ErrorOf<MCD_ERR_STATE>;
using ForkedError = ErrorOf<MCD_ERR_FORKED>;
using InternalError = ErrorOf<MCD_ERR_INTERNAL>;

/* Throws the exception of a negative status, with the message of the last error on this thread; returns the others. */
inline mcd_status check(mcd_status status) {
    if (status >= 0) return status;
    const std::string message = mcd_last_error();
    switch (status) {
    case MCD_ERR_ARGUMENT: throw ArgumentError(message);
    case MCD_ERR_HANDLE: throw HandleError(message);
    case MCD_ERR_SIZE: throw SizeError(message);
    case MCD_ERR_NOMEM: throw MemoryLimitError(message);
    case MCD_ERR_CANCELLED: throw CancelledError(message);
    case MCD_ERR_FILE: throw FileError(message);
    case MCD_ERR_NUMERICAL: throw NumericalError(message);
    case MCD_ERR_UNSUPPORTED: throw UnsupportedError(message);
    case MCD_ERR_STATE: throw StateError(message);
    case MCD_ERR_FORKED: throw ForkedError(message);
    case MCD_ERR_INTERNAL: throw InternalError(message);
    default: throw Error(status, message);
    }
}

namespace detail {

/* The value that a C function writes through its last argument. */
template <class T, class Function, class... Arguments> T get(Function function, Arguments... arguments) {
    T value{};
    check(function(arguments..., &value));
    return value;
}

/* What a getter ending in (out, count, needed) has to say; it may grow between the two calls, as histories do. */
template <class T, class Getter> std::vector<T> growing(Getter getter) {
    std::size_t needed = 0;
    check(getter(static_cast<T *>(nullptr), std::size_t{0}, &needed));
    for (;;) {
        std::vector<T> out(needed);
        const mcd_status status = getter(out.data(), out.size(), &needed);
        if (status == MCD_ERR_SIZE && needed > out.size()) continue;
        check(status);
        out.resize(needed);
        return out;
    }
}

/* The same for texts, whose last byte is NUL. */
template <class Getter> std::string text(Getter getter) {
    const std::vector<char> bytes = growing<char>(getter);
    return bytes.empty() ? std::string() : std::string(bytes.data());
}

inline double *doubles(std::complex<double> *values) noexcept { return reinterpret_cast<double *>(values); }

/* growing() for complex numbers, which the library counts as two doubles; std::complex is laid out as these. */
template <class Getter> std::vector<std::complex<double>> complexes(Getter getter) {
    std::size_t needed = 0;
    check(getter(static_cast<double *>(nullptr), std::size_t{0}, &needed));
    std::vector<std::complex<double>> out(needed / 2);
    check(getter(doubles(out.data()), needed, &needed));
    return out;
}

} // namespace detail

/* -------------------------------------------------------------------------------------------------------- the library */

inline std::string version() { return mcd_version(); }
inline std::string status_name(mcd_status status) { return mcd_status_name(status); }
inline std::int64_t live_handles() { return detail::get<std::int64_t>(mcd_live_handles); }
inline void set_threads(std::int64_t threads) { check(mcd_set_threads(threads)); }
inline std::int64_t threads() { return detail::get<std::int64_t>(mcd_get_threads); }
inline void set_memory_limit(std::int64_t bytes) { check(mcd_set_memory_limit(bytes)); }
inline std::int64_t memory_limit() { return detail::get<std::int64_t>(mcd_get_memory_limit); }
inline std::int64_t memory_used() { return detail::get<std::int64_t>(mcd_memory_used); }

/* Something that wires can be computed on; the name is what Wire::set_backend takes. */
struct Device {
    std::string name;
    std::string description;
    bool available;
};

inline std::vector<Device> devices() {
    std::vector<Device> all(detail::get<std::size_t>(mcd_devices));
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i].name = detail::text([i](char *o, std::size_t n, std::size_t *m) { return mcd_device_name(i, o, n, m); });
        all[i].description =
            detail::text([i](char *o, std::size_t n, std::size_t *m) { return mcd_device_description(i, o, n, m); });
        all[i].available = detail::get<std::int32_t>(mcd_device_available, i) != 0;
    }
    return all;
}

/* Owner of one handle. */
class Handle {
public:
    Handle() noexcept = default;
    explicit Handle(mcd_handle handle) noexcept : handle_(handle) {}
    Handle(Handle &&other) noexcept : handle_(other.release()) {}
    Handle &operator=(Handle &&other) noexcept {
        const Handle old(std::exchange(handle_, other.release()));
        return *this;
    }
    Handle(const Handle &) = delete;
    Handle &operator=(const Handle &) = delete;
    ~Handle() {
        if (handle_ != 0) static_cast<void>(mcd_free(handle_));
    }

    /* For calls to mcd.h; still owned. 0 after a move. */
    mcd_handle get() const noexcept { return handle_; }
    /* Gives the handle away: whoever receives it frees it. */
    mcd_handle release() noexcept { return std::exchange(handle_, mcd_handle{0}); }

private:
    mcd_handle handle_ = 0;
};

/* -------------------------------------------------------------------------------------------------------------- wires */

struct Shape {
    std::int64_t length, width, points;
    std::size_t sites() const noexcept { return static_cast<std::size_t>(length * width); }
};

/* G (points) and gradient (length x width) of Wire::vjp. */
struct Gradient {
    std::vector<double> conductance, gradient;
};

/* G (points) and jacobian (points x length x width). */
struct Jacobian {
    std::vector<double> conductance, jacobian;
};

/* G and its derivative, (points) each. */
struct Derivative {
    std::vector<double> conductance, derivative;
};

/* 2N x 2N, row-major: s[m * 2N + n] is the amplitude into mode m from mode n. */
struct SMatrix {
    std::int64_t modes;
    std::vector<std::complex<double>> s;
};

/* psi[(n * length + x) * width + y] of N incoming modes. */
struct States {
    std::int64_t modes;
    std::vector<std::complex<double>> psi;
};

enum class Lead : std::int32_t { left = 0, right = 1 };

/* What can be said about a target before any search; see mcd_wire_feasibility. */
struct Feasibility {
    std::vector<double> excess;
    std::vector<std::uint8_t> narrow;
    double bound;
    std::string report;
};

/* A strip with leads and a sweep of fields and energies. */
class Wire : public Handle {
public:
    using Handle::Handle;

    /* length x width sites, one point per field, one energy for all of them or one for each. */
    Wire(std::int64_t length, std::int64_t width, span<const double> fields, span<const double> energies)
        : Handle(detail::get<mcd_wire>(mcd_wire_create, length, width, fields.data(), fields.size(), energies.data(),
                                       energies.size())) {}
    Wire(std::int64_t length, std::int64_t width, span<const double> fields, double energy)
        : Wire(length, width, fields, span<const double>(&energy, 1)) {}

    Wire &set_hopping(double hopping) { return done(mcd_wire_set_hopping(get(), hopping)); }
    double hopping() const { return detail::get<double>(mcd_wire_get_hopping, get()); }
    Wire &set_lead_onsite(double onsite) { return done(mcd_wire_set_lead_onsite(get(), onsite)); }
    double lead_onsite() const { return detail::get<double>(mcd_wire_get_lead_onsite, get()); }
    Wire &set_backend(const std::string &backend) { return done(mcd_wire_set_backend(get(), backend.c_str())); }
    std::string backend() const {
        return detail::text([this](char *o, std::size_t n, std::size_t *m) { return mcd_wire_get_backend(get(), o, n, m); });
    }
    Wire &set_threads(std::int64_t threads) { return done(mcd_wire_set_threads(get(), threads)); }
    std::int64_t threads() const { return detail::get<std::int64_t>(mcd_wire_get_threads, get()); }
    Wire &set_memory_limit(std::int64_t bytes) { return done(mcd_wire_set_memory_limit(get(), bytes)); }
    std::int64_t memory_limit() const { return detail::get<std::int64_t>(mcd_wire_get_memory_limit, get()); }

    Shape shape() const {
        Shape s{};
        check(mcd_wire_shape(get(), &s.length, &s.width, &s.points));
        return s;
    }
    std::size_t points() const { return static_cast<std::size_t>(shape().points); }
    std::vector<double> fields() const {
        std::vector<double> out(points());
        check(mcd_wire_fields(get(), out.data(), out.size()));
        return out;
    }
    std::vector<double> energies() const {
        std::vector<double> out(points());
        check(mcd_wire_energies(get(), out.data(), out.size()));
        return out;
    }
    /* The on-site energies of a wire without any potential. */
    std::vector<double> clean() const { return std::vector<double>(shape().sites(), lead_onsite()); }

    std::vector<std::int64_t> open_modes() const {
        std::vector<std::int64_t> out(points());
        check(mcd_wire_open_modes(get(), out.data(), out.size()));
        return out;
    }

    void conductance(span<const double> onsite, span<double> g) const {
        check(mcd_wire_conductance(get(), onsite.data(), onsite.size(), g.data(), g.size()));
    }
    std::vector<double> conductance(span<const double> onsite) const {
        std::vector<double> g(points());
        conductance(onsite, g);
        return g;
    }

    /* weights may be empty: then all are one. */
    void vjp(span<const double> onsite, span<const double> weights, span<double> g, span<double> gradient) const {
        check(mcd_wire_vjp(get(), onsite.data(), onsite.size(), weights.empty() ? nullptr : weights.data(), weights.size(),
                           g.data(), g.size(), gradient.data(), gradient.size()));
    }
    Gradient vjp(span<const double> onsite, span<const double> weights = {}) const {
        const Shape s = shape();
        Gradient out{std::vector<double>(static_cast<std::size_t>(s.points)), std::vector<double>(s.sites())};
        vjp(onsite, weights, out.conductance, out.gradient);
        return out;
    }

    void jacobian(span<const double> onsite, span<double> g, span<double> jacobian) const {
        check(mcd_wire_jacobian(get(), onsite.data(), onsite.size(), g.data(), g.size(), jacobian.data(), jacobian.size()));
    }
    Jacobian jacobian(span<const double> onsite) const {
        const Shape s = shape();
        const auto points = static_cast<std::size_t>(s.points);
        Jacobian out{std::vector<double>(points), std::vector<double>(points * s.sites())};
        jacobian(onsite, out.conductance, out.jacobian);
        return out;
    }

    Derivative field_derivative(span<const double> onsite) const { return derivative(mcd_wire_field_derivative, onsite); }
    Derivative energy_derivative(span<const double> onsite) const { return derivative(mcd_wire_energy_derivative, onsite); }

    SMatrix smatrix(span<const double> onsite, double field, double energy) const {
        SMatrix out{0, {}};
        out.s = detail::complexes([&](double *s, std::size_t n, std::size_t *m) {
            return mcd_wire_smatrix(get(), onsite.data(), onsite.size(), field, energy, &out.modes, s, n, m);
        });
        return out;
    }
    std::vector<double> transmission_eigenvalues(span<const double> onsite, double field, double energy) const {
        return detail::growing<double>([&](double *o, std::size_t n, std::size_t *m) {
            return mcd_wire_transmission_eigenvalues(get(), onsite.data(), onsite.size(), field, energy, o, n, m);
        });
    }
    std::vector<double> ldos(span<const double> onsite, double field, double energy) const {
        std::vector<double> out(shape().sites());
        check(mcd_wire_ldos(get(), onsite.data(), onsite.size(), field, energy, out.data(), out.size()));
        return out;
    }
    States states(span<const double> onsite, double field, double energy, Lead from = Lead::left) const {
        States out{0, {}};
        out.psi = detail::complexes([&](double *psi, std::size_t n, std::size_t *m) {
            return mcd_wire_states(get(), onsite.data(), onsite.size(), field, energy, static_cast<std::int32_t>(from),
                                   &out.modes, psi, n, m);
        });
        return out;
    }

    Feasibility feasibility(span<const double> target) const {
        const std::size_t n = points();
        Feasibility f{std::vector<double>(n), std::vector<std::uint8_t>(n), 0, {}};
        f.report = detail::text([&](char *o, std::size_t count, std::size_t *needed) {
            return mcd_wire_feasibility(get(), target.data(), target.size(), f.excess.data(), n, f.narrow.data(), n,
                                        &f.bound, o, count, needed);
        });
        return f;
    }

    /* The curve nearest to the target against which nothing is known. */
    std::vector<double> nearest_feasible(span<const double> target) const {
        std::vector<double> out(points());
        check(mcd_wire_nearest_feasible(get(), target.data(), target.size(), out.data(), out.size()));
        return out;
    }

    /* From any thread: calls that now compute on this wire throw CancelledError there. */
    void cancel() const { check(mcd_wire_cancel(get())); }

private:
    Wire &done(mcd_status status) {
        check(status);
        return *this;
    }

    template <class Function> Derivative derivative(Function function, span<const double> onsite) const {
        const std::size_t n = points();
        Derivative out{std::vector<double>(n), std::vector<double>(n)};
        check(function(get(), onsite.data(), onsite.size(), out.conductance.data(), n, out.derivative.data(), n));
        return out;
    }
};

/* ----------------------------------------------------------------------------------------------------------- systems */

/* Any device with any leads: a sparse Hamiltonian for every point. Empty spans stand for NULL. */
class System : public Handle {
public:
    using Handle::Handle;
    using Complex = std::complex<double>;

    /* The pattern of the Hamiltonian and one energy for every point; values and leads follow. */
    System(std::int64_t orbitals, span<const std::int64_t> rows, span<const std::int64_t> cols, span<const double> energies)
        : Handle(detail::get<mcd_system>(mcd_system_create, orbitals, rows.data(), rows.size(), cols.data(), cols.size(),
                                         energies.data(), energies.size())) {}

    System &set_values(span<const Complex> values) {
        return done(mcd_system_set_values(get(), doubles(values), 2 * values.size()));
    }
    System &set_hermitian(bool hermitian) { return done(mcd_system_set_hermitian(get(), hermitian ? 1 : 0)); }
    bool hermitian() const { return detail::get<std::int32_t>(mcd_system_get_hermitian, get()) != 0; }
    System &set_positions(span<const double> positions, std::int64_t dimensions) {
        return done(mcd_system_set_positions(get(), positions.data(), positions.size(), dimensions));
    }
    System &set_threads(std::int64_t threads) { return done(mcd_system_set_threads(get(), threads)); }
    std::int64_t threads() const { return detail::get<std::int64_t>(mcd_system_get_threads, get()); }
    System &set_memory_limit(std::int64_t bytes) { return done(mcd_system_set_memory_limit(get(), bytes)); }
    std::int64_t memory_limit() const { return detail::get<std::int64_t>(mcd_system_get_memory_limit, get()); }

    /* A lead by one cell, or by its numbers: see mcd_system_add_lead and mcd_system_add_self_energy. */
    System &add_lead(span<const std::int64_t> interface_orbitals, std::int64_t orbitals, span<const Complex> cell,
                     span<const Complex> hopping) {
        return done(mcd_system_add_lead(get(), interface_orbitals.data(), interface_orbitals.size(), orbitals, doubles(cell),
                                        2 * cell.size(), doubles(hopping), 2 * hopping.size()));
    }
    System &add_self_energy(span<const std::int64_t> interface_orbitals, span<const Complex> sigma,
                            span<const std::int64_t> modes, span<const Complex> in, span<const Complex> out = {},
                            span<const Complex> direct = {}) {
        return done(mcd_system_add_self_energy(get(), interface_orbitals.data(), interface_orbitals.size(), doubles(sigma),
                                               2 * sigma.size(), modes.data(), modes.size(), doubles(in), 2 * in.size(),
                                               doubles(out), 2 * out.size(), doubles(direct), 2 * direct.size()));
    }

    /* A system like this one, to be changed without a trace in it. */
    System copy() const { return System(detail::get<mcd_system>(mcd_system_copy, get())); }

    struct Sizes {
        std::int64_t orbitals, entries, points, leads;
    };
    Sizes shape() const {
        Sizes s{};
        check(mcd_system_shape(get(), &s.orbitals, &s.entries, &s.points, &s.leads));
        return s;
    }
    std::string backend() const {
        return detail::text([this](char *o, std::size_t n, std::size_t *m) { return mcd_system_backend(get(), o, n, m); });
    }
    /* What the device was made of: rows, then columns of the entries; values [point][entry]; energies (points);
     * positions [orbital][dimension], none if they were not given; the orbitals that a lead touches. */
    std::array<std::vector<std::int64_t>, 2> pattern() const {
        const auto n = static_cast<std::size_t>(shape().entries);
        std::array<std::vector<std::int64_t>, 2> out{std::vector<std::int64_t>(n), std::vector<std::int64_t>(n)};
        check(mcd_system_pattern(get(), out[0].data(), n, out[1].data(), n));
        return out;
    }
    std::vector<Complex> values() const {
        const Sizes s = shape();
        std::vector<Complex> out(static_cast<std::size_t>(s.points * s.entries));
        check(mcd_system_values(get(), reinterpret_cast<double *>(out.data()), 2 * out.size()));
        return out;
    }
    std::vector<double> energies() const {
        std::vector<double> out(static_cast<std::size_t>(shape().points));
        check(mcd_system_energies(get(), out.data(), out.size()));
        return out;
    }
    std::vector<double> positions() const {
        std::int64_t dimensions = 0;
        return detail::growing<double>([&](double *o, std::size_t n, std::size_t *m) {
            return mcd_system_positions(get(), o, n, m, &dimensions);
        });
    }
    std::vector<std::int64_t> interface_of(std::int64_t lead) const {
        std::int64_t orbitals = 0;
        return detail::growing<std::int64_t>([&](std::int64_t *o, std::size_t n, std::size_t *m) {
            return mcd_system_lead(get(), lead, &orbitals, o, n, m);
        });
    }
    std::vector<std::int64_t> open_modes() const {
        const Sizes s = shape();
        std::vector<std::int64_t> out(static_cast<std::size_t>(s.points * s.leads));
        check(mcd_system_open_modes(get(), out.data(), out.size()));
        return out;
    }

    /* matrix[point][to][from]. */
    std::vector<double> transmission_matrix(span<const double> onsite = {}) const {
        const Sizes s = shape();
        std::vector<double> out(static_cast<std::size_t>(s.points * s.leads * s.leads));
        check(mcd_system_transmission_matrix(get(), start(onsite), onsite.size(), out.data(), out.size()));
        return out;
    }
    /* g[pair][point]; pairs are (to, from), two numbers each. */
    std::vector<double> transmission(span<const std::int64_t> pairs, span<const double> onsite = {}) const {
        std::vector<double> g(curves(pairs));
        check(mcd_system_transmission(get(), pairs.data(), pairs.size(), start(onsite), onsite.size(), g.data(), g.size()));
        return g;
    }
    /* g and jacobian[pair][point][orbital]. */
    Jacobian jacobian(span<const std::int64_t> pairs, span<const double> onsite = {}) const {
        const std::size_t n = curves(pairs);
        Jacobian out{std::vector<double>(n), std::vector<double>(n * static_cast<std::size_t>(shape().orbitals))};
        check(mcd_system_jacobian(get(), pairs.data(), pairs.size(), start(onsite), onsite.size(), out.conductance.data(), n,
                                  out.jacobian.data(), out.jacobian.size()));
        return out;
    }
    /* g and gradient[orbital]; empty weights are ones. */
    Gradient vjp(span<const std::int64_t> pairs, span<const double> onsite = {}, span<const double> weights = {}) const {
        const std::size_t n = curves(pairs);
        Gradient out{std::vector<double>(n), std::vector<double>(static_cast<std::size_t>(shape().orbitals))};
        check(mcd_system_vjp(get(), pairs.data(), pairs.size(), start(onsite), onsite.size(), start(weights), weights.size(),
                             out.conductance.data(), n, out.gradient.data(), out.gradient.size()));
        return out;
    }

    /* g and jacobian[point][orbital] of the weighted sum of the pairs, see mcd_system_combined_jacobian. */
    Jacobian combined_jacobian(span<const std::int64_t> pairs, span<const double> weights, span<const double> onsite = {}) const {
        const Sizes s = shape();
        Jacobian out{std::vector<double>(curves(pairs)), std::vector<double>(static_cast<std::size_t>(s.points * s.orbitals))};
        check(mcd_system_combined_jacobian(get(), pairs.data(), pairs.size(), start(onsite), onsite.size(), start(weights),
                                           weights.size(), out.conductance.data(), out.conductance.size(),
                                           out.jacobian.data(), out.jacobian.size()));
        return out;
    }
    /* Shot noise [pair][point], see mcd_system_noise. */
    std::vector<double> noise(span<const std::int64_t> pairs, span<const double> onsite = {}) const {
        std::vector<double> g(curves(pairs)), power(g.size());
        check(mcd_system_noise(get(), pairs.data(), pairs.size(), start(onsite), onsite.size(), g.data(), g.size(),
                               power.data(), power.size()));
        return power;
    }

    /* g and complex derivatives, see mcd_system_hamiltonian_vjp and mcd_system_hopping_jacobian. */
    struct ComplexDerivative {
        std::vector<double> conductance;
        std::vector<Complex> derivative;
    };
    ComplexDerivative hamiltonian_vjp(span<const std::int64_t> pairs, span<const double> onsite = {},
                                      span<const double> weights = {}) const {
        const Sizes s = shape();
        ComplexDerivative out{std::vector<double>(curves(pairs)),
                              std::vector<Complex>(static_cast<std::size_t>(s.points * s.entries))};
        check(mcd_system_hamiltonian_vjp(get(), pairs.data(), pairs.size(), start(onsite), onsite.size(), start(weights),
                                         weights.size(), out.conductance.data(), out.conductance.size(),
                                         detail::doubles(out.derivative.data()), 2 * out.derivative.size()));
        return out;
    }
    ComplexDerivative hopping_jacobian(span<const std::int64_t> pairs, span<const std::int64_t> hoppings,
                                       span<const double> onsite = {}) const {
        const std::size_t n = curves(pairs);
        ComplexDerivative out{std::vector<double>(n), std::vector<Complex>(n * (hoppings.size() / 2))};
        check(mcd_system_hopping_jacobian(get(), pairs.data(), pairs.size(), hoppings.data(), hoppings.size(), start(onsite),
                                          onsite.size(), out.conductance.data(), n, detail::doubles(out.derivative.data()),
                                          2 * out.derivative.size()));
        return out;
    }
    /* g and derivative[pair][point] by a parameter; empty spans where it does not enter. */
    Derivative derivative(span<const std::int64_t> pairs, span<const double> onsite, span<const Complex> values,
                          span<const double> energies = {}, span<const Complex> leads = {}) const {
        const std::size_t n = curves(pairs);
        Derivative out{std::vector<double>(n), std::vector<double>(n)};
        check(mcd_system_derivative(get(), pairs.data(), pairs.size(), start(onsite), onsite.size(), doubles(values),
                                    2 * values.size(), start(energies), energies.size(), doubles(leads), 2 * leads.size(),
                                    out.conductance.data(), n, out.derivative.data(), n));
        return out;
    }

    std::vector<Complex> smatrix(std::int64_t point, span<const double> onsite = {}) const {
        return detail::complexes([&](double *s, std::size_t n, std::size_t *m) {
            return mcd_system_smatrix(get(), start(onsite), onsite.size(), point, s, n, m);
        });
    }
    std::vector<Complex> green(std::int64_t point, std::int64_t to, std::int64_t from, span<const double> onsite = {}) const {
        return detail::complexes([&](double *g, std::size_t n, std::size_t *m) {
            return mcd_system_green(get(), start(onsite), onsite.size(), point, to, from, g, n, m);
        });
    }
    std::vector<Complex> wave_function(std::int64_t point, std::int64_t from, span<const double> onsite = {}) const {
        return detail::complexes([&](double *psi, std::size_t n, std::size_t *m) {
            return mcd_system_wave_function(get(), start(onsite), onsite.size(), point, from, psi, n, m);
        });
    }
    std::vector<double> currents(std::int64_t point, std::int64_t from, span<const double> onsite = {}) const {
        std::vector<double> out(static_cast<std::size_t>(shape().entries));
        check(mcd_system_currents(get(), start(onsite), onsite.size(), point, from, out.data(), out.size()));
        return out;
    }
    /* ldos[point][orbital] of the listed points, of all if none is listed. */
    std::vector<double> ldos(span<const double> onsite = {}, span<const std::int64_t> points = {}) const {
        const Sizes s = shape();
        const std::size_t n = points.empty() ? static_cast<std::size_t>(s.points) : points.size();
        std::vector<double> out(n * static_cast<std::size_t>(s.orbitals));
        check(mcd_system_ldos(get(), start(onsite), onsite.size(), points.empty() ? nullptr : points.data(), points.size(),
                              out.data(), out.size()));
        return out;
    }

    /* From any thread: calls that now compute on this system throw CancelledError there. */
    void cancel() const { check(mcd_system_cancel(get())); }

private:
    System &done(mcd_status status) {
        check(status);
        return *this;
    }
    static const double *start(span<const double> values) noexcept { return values.empty() ? nullptr : values.data(); }
    static const double *doubles(span<const Complex> values) noexcept {
        return values.empty() ? nullptr : reinterpret_cast<const double *>(values.data());
    }
    std::size_t curves(span<const std::int64_t> pairs) const {
        return pairs.size() / 2 * static_cast<std::size_t>(shape().points);
    }
};

/* ----------------------------------------------------------------------------------------------------------- problems */

/* L and its gradient by the parameters. */
struct Objective {
    double value;
    std::vector<double> gradient;
};

/* What a curve determines at one point; see mcd_problem_identify. combinations is [singular value][parameter]. */
struct Identifiability {
    std::int64_t rank;
    std::vector<double> singular_values, combinations, errors, sensitivity;
};

struct Bounds {
    std::vector<double> lower, upper;
};

struct Loss {
    std::string name;
    double scale;
};

/* A wire, a target curve and what may be varied to reach it. */
class Problem : public Handle {
public:
    using Handle::Handle;

    Problem(const Wire &wire, span<const double> target)
        : Handle(detail::get<mcd_problem>(mcd_problem_create, wire.get(), target.data(), target.size())) {}
    /* Of any device: curves has the leads to and from of every curve, target is [curve][point]. */
    Problem(const System &system, span<const std::int64_t> curves, span<const double> target)
        : Handle(detail::get<mcd_problem>(mcd_problem_create_device, system.get(), curves.data(), curves.size(),
                                          target.data(), target.size())) {}
    static Problem decode(span<const std::uint8_t> bytes) {
        return Problem(detail::get<mcd_problem>(mcd_problem_decode, bytes.data(), bytes.size()));
    }
    static Problem load(const std::string &path) {
        return Problem(detail::get<mcd_problem>(mcd_problem_load, path.c_str()));
    }

    Wire wire() const { return Wire(detail::get<mcd_wire>(mcd_problem_wire, get())); }
    System system() const { return System(detail::get<mcd_system>(mcd_problem_system, get())); }
    std::vector<std::int64_t> curves() const {
        return detail::growing<std::int64_t>(
            [this](std::int64_t *o, std::size_t n, std::size_t *m) { return mcd_problem_get_curves(get(), o, n, m); });
    }
    /* Sites, orbitals, or coefficients of directions; values of the target. */
    std::size_t inputs() const { return shape()[0]; }
    std::size_t outputs() const { return shape()[1]; }

    Problem &set_target(span<const double> target) {
        return done(mcd_problem_set_target(get(), target.data(), target.size()));
    }
    std::vector<double> target() const { return of_size(mcd_problem_get_target, outputs()); }
    Problem &set_weights(span<const double> weights) {
        return done(mcd_problem_set_weights(get(), weights.data(), weights.size()));
    }
    std::vector<double> weights() const { return of_size(mcd_problem_get_weights, outputs()); }
    Problem &set_loss(const std::string &loss, double scale = 1) {
        return done(mcd_problem_set_loss(get(), loss.c_str(), scale));
    }
    Loss loss() const {
        Loss out{{}, 0};
        out.name = detail::text(
            [&](char *o, std::size_t n, std::size_t *m) { return mcd_problem_get_loss(get(), o, n, m, &out.scale); });
        return out;
    }

    Problem &set_sites(span<const double> onsite) {
        return done(mcd_problem_set_sites(get(), onsite.data(), onsite.size()));
    }
    /* free: a sum of MCD_FREE_X, MCD_FREE_Y, MCD_FREE_AMPLITUDE, MCD_FREE_RADIUS. The arrays have one value per Gaussian. */
    Problem &set_gaussians(span<const double> x, span<const double> y, span<const double> amplitude,
                           span<const double> radius, std::uint32_t free) {
        if (y.size() != x.size() || amplitude.size() != x.size() || radius.size() != x.size())
            throw ArgumentError("x, y, amplitude, radius: " + std::to_string(x.size()) + ", " + std::to_string(y.size()) +
                                ", " + std::to_string(amplitude.size()) + " and " + std::to_string(radius.size()) +
                                " values; give one of each for every Gaussian");
        return done(
            mcd_problem_set_gaussians(get(), x.data(), y.data(), amplitude.data(), radius.data(), x.size(), free));
    }
    Problem &set_gates(span<const double> basis, span<const double> volts) {
        return done(mcd_problem_set_gates(get(), basis.data(), basis.size(), volts.data(), volts.size()));
    }
    /* Coefficients of changes of a device's Hamiltonians: see mcd_problem_set_directions. names has one line for each. */
    Problem &set_directions(span<const std::int64_t> first, span<const std::int64_t> entries,
                            span<const std::complex<double>> values, span<const double> start,
                            const std::string &names = {}) {
        return done(mcd_problem_set_directions(get(), first.data(), first.size(), entries.data(), entries.size(),
                                               reinterpret_cast<const double *>(values.data()), 2 * values.size(),
                                               start.data(), start.size(), names.empty() ? nullptr : names.c_str()));
    }
    /* Names of the directions, one a line. */
    std::string names() const {
        return detail::text(
            [this](char *o, std::size_t n, std::size_t *m) { return mcd_problem_get_names(get(), o, n, m); });
    }
    /* Hamiltonians at coefficients, [point][entry]. */
    std::vector<std::complex<double>> hamiltonian(span<const double> parameters) const {
        const System::Sizes s = system().shape();
        std::vector<std::complex<double>> out(static_cast<std::size_t>(s.points * s.entries));
        check(mcd_problem_hamiltonian(get(), parameters.data(), parameters.size(), reinterpret_cast<double *>(out.data()),
                                      2 * out.size()));
        return out;
    }
    std::string parametrization() const {
        return detail::text(
            [this](char *o, std::size_t n, std::size_t *m) { return mcd_problem_get_parametrization(get(), o, n, m); });
    }

    Problem &set_background(span<const double> onsite) {
        return done(mcd_problem_set_background(get(), onsite.data(), onsite.size()));
    }
    std::vector<double> background() const { return of_size(mcd_problem_get_background, inputs()); }
    Problem &set_bounds(span<const double> lower, span<const double> upper) {
        return done(mcd_problem_set_bounds(get(), lower.data(), lower.size(), upper.data(), upper.size()));
    }
    Bounds bounds() const {
        Bounds out{std::vector<double>(entries()), std::vector<double>(entries())};
        check(mcd_problem_get_bounds(get(), out.lower.data(), out.lower.size(), out.upper.data(), out.upper.size()));
        return out;
    }
    Problem &set_frozen(span<const std::uint8_t> frozen) {
        return done(mcd_problem_set_frozen(get(), frozen.data(), frozen.size()));
    }
    std::vector<std::uint8_t> frozen() const {
        std::vector<std::uint8_t> out(entries());
        check(mcd_problem_get_frozen(get(), out.data(), out.size()));
        return out;
    }
    Problem &set_ties(span<const std::int64_t> ties) { return done(mcd_problem_set_ties(get(), ties.data(), ties.size())); }
    std::vector<std::int64_t> ties() const {
        std::vector<std::int64_t> out(entries());
        check(mcd_problem_get_ties(get(), out.data(), out.size()));
        return out;
    }
    Problem &set_mirror(const std::string &mirror) { return done(mcd_problem_set_mirror(get(), mirror.c_str())); }
    std::string mirror() const {
        return detail::text(
            [this](char *o, std::size_t n, std::size_t *m) { return mcd_problem_get_mirror(get(), o, n, m); });
    }
    Problem &set_filter(double radius) { return done(mcd_problem_set_filter(get(), radius)); }
    double filter() const { return detail::get<double>(mcd_problem_get_filter, get()); }
    Problem &set_regularizer(const std::string &regularizer, double weight) {
        return done(mcd_problem_set_regularizer(get(), regularizer.c_str(), weight));
    }
    double regularizer(const std::string &name) const {
        return detail::get<double>(mcd_problem_get_regularizer, get(), name.c_str());
    }

    /* Quantities that may vary, and what an optimizer sees of them: without the frozen ones, with tied ones joined. */
    std::size_t entries() const { return counts()[0]; }
    std::size_t parameters() const { return counts()[1]; }
    std::string label(std::size_t parameter) const {
        return detail::text(
            [&](char *o, std::size_t n, std::size_t *m) { return mcd_problem_label(get(), parameter, o, n, m); });
    }
    std::vector<double> start() const { return of_size(mcd_problem_start, parameters()); }

    void onsite(span<const double> parameters, span<double> onsite) const {
        check(mcd_problem_onsite(get(), parameters.data(), parameters.size(), onsite.data(), onsite.size()));
    }
    std::vector<double> onsite(span<const double> parameters) const {
        std::vector<double> out(inputs());
        onsite(parameters, out);
        return out;
    }

    /* L; an empty gradient is not computed. For optimizers of your own. */
    double objective(span<const double> parameters, span<double> gradient) const {
        double value = 0;
        check(mcd_problem_objective(get(), parameters.data(), parameters.size(), &value,
                                    gradient.empty() ? nullptr : gradient.data(), gradient.size()));
        return value;
    }
    Objective objective(span<const double> parameters) const {
        Objective out{0, std::vector<double>(parameters.size())};
        out.value = objective(parameters, out.gradient);
        return out;
    }

    /* sigma: standard deviation of the target's noise for the error bars, 0 if unknown. */
    Identifiability identify(span<const double> parameters, double sigma = 0) const {
        const std::size_t n = parameters.size(), values = std::min(n, outputs());
        Identifiability out{0, std::vector<double>(values), std::vector<double>(values * n), std::vector<double>(n),
                            std::vector<double>(inputs())};
        check(mcd_problem_identify(get(), parameters.data(), n, sigma, &out.rank, out.singular_values.data(), values,
                                   out.combinations.data(), values * n, out.errors.data(), n, out.sensitivity.data(),
                                   out.sensitivity.size()));
        return out;
    }

    std::vector<std::uint8_t> encode() const {
        return detail::growing<std::uint8_t>(
            [this](std::uint8_t *o, std::size_t n, std::size_t *m) { return mcd_problem_encode(get(), o, n, m); });
    }
    void save(const std::string &path) const { check(mcd_problem_save(get(), path.c_str())); }

private:
    Problem &done(mcd_status status) {
        check(status);
        return *this;
    }
    std::array<std::size_t, 2> shape() const {
        std::array<std::size_t, 2> n{};
        check(mcd_problem_shape(get(), &n[0], &n[1]));
        return n;
    }
    std::array<std::size_t, 2> counts() const {
        std::array<std::size_t, 2> n{};
        check(mcd_problem_counts(get(), &n[0], &n[1]));
        return n;
    }
    template <class Function> std::vector<double> of_size(Function function, std::size_t count) const {
        std::vector<double> out(count);
        check(function(get(), out.data(), out.size()));
        return out;
    }
};

/* ------------------------------------------------------------------------------------------------------------ results */

/* What a search found, with its problem and its history. */
class Result : public Handle {
public:
    using Handle::Handle;

    static Result decode(span<const std::uint8_t> bytes) {
        return Result(detail::get<mcd_result>(mcd_result_decode, bytes.data(), bytes.size()));
    }
    static Result load(const std::string &path) { return Result(detail::get<mcd_result>(mcd_result_load, path.c_str())); }

    Problem problem() const { return Problem(detail::get<mcd_problem>(mcd_result_problem, get())); }
    std::vector<double> onsite() const { return of_size(mcd_result_onsite, problem().inputs()); }
    std::vector<double> conductance() const { return of_size(mcd_result_conductance, problem().outputs()); }
    std::vector<double> parameters() const { return of_size(mcd_result_parameters, problem().parameters()); }
    std::vector<double> entries() const { return of_size(mcd_result_entries, problem().entries()); }
    std::vector<double> errors() const { return of_size(mcd_result_errors, problem().entries()); }

    /* "x", "y", "amplitude", "radius" of Gaussians, "volts" of gates: one value each, the fixed ones too. */
    std::vector<double> quantity(const std::string &name) const { return named(mcd_result_quantity, name); }
    std::vector<double> quantity_error(const std::string &name) const { return named(mcd_result_quantity_error, name); }

    double objective() const { return detail::get<double>(mcd_result_objective, get()); }
    std::int64_t evaluations() const { return detail::get<std::int64_t>(mcd_result_evaluations, get()); }
    std::chrono::duration<double> time() const {
        return std::chrono::duration<double>(detail::get<double>(mcd_result_seconds, get()));
    }
    std::string status() const { return text(mcd_result_status); }
    std::string message() const { return text(mcd_result_message); }
    std::string backend() const { return text(mcd_result_backend); }
    std::vector<double> history(const std::string &column) const { return named(mcd_result_history, column); }

    /* The distinct outcomes of the starts, best first. */
    std::vector<Result> outcomes() const {
        std::vector<Result> all;
        const auto count = detail::get<std::size_t>(mcd_result_outcomes, get());
        all.reserve(count);
        for (std::size_t i = 0; i < count; ++i)
            all.emplace_back(Result(detail::get<mcd_result>(mcd_result_outcome, get(), i)));
        return all;
    }

    std::vector<std::uint8_t> encode() const {
        return detail::growing<std::uint8_t>(
            [this](std::uint8_t *o, std::size_t n, std::size_t *m) { return mcd_result_encode(get(), o, n, m); });
    }
    void save(const std::string &path) const { check(mcd_result_save(get(), path.c_str())); }

private:
    template <class Function> std::vector<double> of_size(Function function, std::size_t count) const {
        std::vector<double> out(count);
        check(function(get(), out.data(), out.size()));
        return out;
    }
    template <class Function> std::vector<double> named(Function function, const std::string &name) const {
        return detail::growing<double>(
            [&](double *o, std::size_t n, std::size_t *m) { return function(get(), name.c_str(), o, n, m); });
    }
    template <class Function> std::string text(Function function) const {
        return detail::text([&](char *o, std::size_t n, std::size_t *m) { return function(get(), o, n, m); });
    }
};

/* --------------------------------------------------------------------------------------------------------------- jobs */

using Progress = mcd_progress;

struct Schedule {
    std::vector<std::int64_t> steps;
    std::vector<double> factors;
};

struct Stall {
    std::int64_t iterations;
    double tolerance;
};

struct Starts {
    std::int64_t count;
    double spread;
};

struct Checkpoint {
    std::string path;
    std::chrono::duration<double> interval;
};

namespace detail {

/* Calls the caller's function from within mcd_job_wait. No exception may cross the library: it is kept, and the job stopped. */
template <class Callback> struct Forward {
    Callback &callback;
    std::exception_ptr thrown = nullptr;

    static int call(const mcd_progress *progress, void *user) noexcept {
        auto &self = *static_cast<Forward *>(user);
        try {
            if constexpr (std::is_void_v<decltype(self.callback(*progress))>) {
                self.callback(*progress);
                return 0;
            } else {
                return self.callback(*progress) ? 0 : 1;
            }
        } catch (...) {
            self.thrown = std::current_exception();
            return 1;
        }
    }
};

} // namespace detail

/* A search, running on threads of the library. Settings first: they chain. */
class Job : public Handle {
public:
    using Handle::Handle;
    using Seconds = std::chrono::duration<double>;

    static Job design(const Problem &problem) { return Job(detail::get<mcd_job>(mcd_job_create_design, problem.get())); }
    /* sigma: standard deviation of the target's noise for the error bars, 0 if unknown. */
    static Job find_defect(const Wire &wire, span<const double> target, std::int64_t defects = 1, double sigma = 0) {
        return Job(
            detail::get<mcd_job>(mcd_job_create_defect, wire.get(), target.data(), target.size(), defects, sigma));
    }
    /* The same in the device of a problem, for its curves and target. */
    static Job locate(const Problem &problem, std::int64_t defects = 1, double sigma = 0) {
        return Job(detail::get<mcd_job>(mcd_job_create_locate, problem.get(), defects, sigma));
    }
    /* The smoothest potential with L <= level, from the start of a problem by sites that are free. */
    static Job smooth(const Problem &problem, double level = -3) {
        return Job(detail::get<mcd_job>(mcd_job_create_smooth, problem.get(), level));
    }
    /* Sites or gates, from the start of a problem, moved to origin + multiples of step. */
    static Job quantize(const Problem &problem, double step, double origin = 0) {
        return Job(detail::get<mcd_job>(mcd_job_create_quantize, problem.get(), step, origin));
    }
    /* Continues a checkpoint or a saved result bit for bit. */
    static Job resume(const std::string &path) { return Job(detail::get<mcd_job>(mcd_job_create_resume, path.c_str())); }

    Job &set_method(const std::string &method) { return done(mcd_job_set_method(get(), method.c_str())); }
    std::string method() const {
        return detail::text([this](char *o, std::size_t n, std::size_t *m) { return mcd_job_get_method(get(), o, n, m); });
    }
    Job &set_learning_rate(double rate) { return done(mcd_job_set_learning_rate(get(), rate)); }
    double learning_rate() const { return detail::get<double>(mcd_job_get_learning_rate, get()); }
    Job &set_schedule(span<const std::int64_t> steps, span<const double> factors) {
        return done(mcd_job_set_schedule(get(), steps.data(), steps.size(), factors.data(), factors.size()));
    }
    Job &set_schedule(const std::string &name) { return done(mcd_job_set_named_schedule(get(), name.c_str())); }
    Schedule schedule() const {
        std::size_t needed = 0;
        check(mcd_job_get_schedule(get(), nullptr, nullptr, 0, &needed));
        Schedule out{std::vector<std::int64_t>(needed), std::vector<double>(needed)};
        check(mcd_job_get_schedule(get(), out.steps.data(), out.factors.data(), needed, &needed));
        return out;
    }
    Job &set_max_evaluations(std::int64_t n) { return done(mcd_job_set_max_evaluations(get(), n)); }
    std::int64_t max_evaluations() const { return detail::get<std::int64_t>(mcd_job_get_max_evaluations, get()); }
    Job &set_max_iterations(std::int64_t n) { return done(mcd_job_set_max_iterations(get(), n)); }
    std::int64_t max_iterations() const { return detail::get<std::int64_t>(mcd_job_get_max_iterations, get()); }
    Job &set_time_limit(Seconds limit) { return done(mcd_job_set_time_limit(get(), limit.count())); }
    Seconds time_limit() const { return Seconds(detail::get<double>(mcd_job_get_time_limit, get())); }
    Job &set_stop_objective(double objective) { return done(mcd_job_set_stop_objective(get(), objective)); }
    double stop_objective() const { return detail::get<double>(mcd_job_get_stop_objective, get()); }
    Job &set_step_tolerance(double tolerance) { return done(mcd_job_set_step_tolerance(get(), tolerance)); }
    double step_tolerance() const { return detail::get<double>(mcd_job_get_step_tolerance, get()); }
    Job &set_gradient_tolerance(double tolerance) { return done(mcd_job_set_gradient_tolerance(get(), tolerance)); }
    double gradient_tolerance() const { return detail::get<double>(mcd_job_get_gradient_tolerance, get()); }
    Job &set_stall(std::int64_t iterations, double tolerance) {
        return done(mcd_job_set_stall(get(), iterations, tolerance));
    }
    Stall stall() const {
        Stall out{};
        check(mcd_job_get_stall(get(), &out.iterations, &out.tolerance));
        return out;
    }
    Job &set_starts(std::int64_t count, double spread = 0.3) { return done(mcd_job_set_starts(get(), count, spread)); }
    Starts starts() const {
        Starts out{};
        check(mcd_job_get_starts(get(), &out.count, &out.spread));
        return out;
    }
    Job &set_distinct(double distinct) { return done(mcd_job_set_distinct(get(), distinct)); }
    double distinct() const { return detail::get<double>(mcd_job_get_distinct, get()); }
    Job &set_seed(std::uint64_t seed) { return done(mcd_job_set_seed(get(), seed)); }
    std::uint64_t seed() const { return detail::get<std::uint64_t>(mcd_job_get_seed, get()); }
    /* path "" for none; interval 0: after every iteration. */
    Job &set_checkpoint(const std::string &path, Seconds interval = std::chrono::seconds(10)) {
        return done(mcd_job_set_checkpoint(get(), path.c_str(), interval.count()));
    }
    Checkpoint checkpoint() const {
        double interval = 0;
        const std::string path = detail::text([&](char *o, std::size_t n, std::size_t *m) {
            return mcd_job_get_checkpoint(get(), o, n, m, &interval);
        });
        return {path, Seconds(interval)};
    }

    Job &start() { return done(mcd_job_start(get())); }

    /* Waits until the job ends: true, or false if the time-out passed first. Throws what made the job fail. */
    bool wait_for(Seconds timeout) const { return check(mcd_job_wait(get(), positive(timeout), nullptr, nullptr)) == MCD_OK; }
    void wait() const { check(mcd_job_wait(get(), -1, nullptr, nullptr)); }

    /* The same, calling callback(const Progress &) on this thread, at most once per iteration. It may return nothing, or a
     * bool: false cancels the job. */
    template <class Callback> bool wait_for(Seconds timeout, Callback &&callback) const {
        return watch(positive(timeout), callback);
    }
    template <class Callback> void wait(Callback &&callback) const { watch(-1, callback); }

    /* start(), wait() and result() in one. */
    Result run() {
        start().wait();
        return result();
    }
    template <class Callback> Result run(Callback &&callback) {
        start().wait(std::forward<Callback>(callback));
        return result();
    }

    Progress progress() const {
        Progress out{};
        out.struct_size = sizeof out;
        check(mcd_job_progress(get(), &out));
        return out;
    }
    /* Asks the job to stop and returns at once; the best point so far becomes its result, or, if nothing has been evaluated yet,
     * waiting throws CancelledError. */
    void cancel() const { check(mcd_job_cancel(get())); }
    std::vector<double> history(const std::string &column) const {
        return detail::growing<double>([&](double *o, std::size_t n, std::size_t *m) {
            return mcd_job_history(get(), column.c_str(), o, n, m);
        });
    }
    void best(span<double> onsite) const { check(mcd_job_best(get(), onsite.data(), onsite.size())); }
    Result result() const { return Result(detail::get<mcd_result>(mcd_job_result, get())); }

private:
    Job &done(mcd_status status) {
        check(status);
        return *this;
    }
    /* Negative means for ever to the library, a deadline that has passed to users of durations. */
    static double positive(Seconds timeout) noexcept { return timeout.count() > 0 ? timeout.count() : 0; }

    template <class Callback> bool watch(double timeout, Callback &callback) const {
        detail::Forward<Callback> forward{callback};
        const mcd_status status = mcd_job_wait(get(), timeout, detail::Forward<Callback>::call, &forward);
        if (forward.thrown) {
            cancel();
            std::rethrow_exception(forward.thrown);
        }
        return check(status) == MCD_OK;
    }
};

} // namespace mcd

#endif
