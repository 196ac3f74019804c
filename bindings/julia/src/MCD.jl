"""
mcd: from the conductance of a quantum wire in a magnetic field to its potential, and back.

    using MCD
    wire = Wire(length=30, width=30, fields=range(0, 0.12, length=101), energy=1.2)
    G, J = jacobian(wire, clean(wire))
    result = find_defect(wire, target)
    result.parameters["y"], result.parameter_errors["y"]

Energies are in units of the hopping t, lengths in lattice constants a, conductances in e²/h, fields are φ = πBa²/φ₀.

# Arrays
`onsite[x, y]` is the same site as in Python, of size `(length, width)` with x along transport; only counting starts at 1, so
that Python's `onsite[14, 9]` is `onsite[15, 10]` here. Positions of Gaussians are coordinates, not indices, and are the same
in all languages: the first site is at x = 0, y = 0.

The library keeps y contiguous, Julia the first index. Arrays that come from this package are therefore `PermutedDimsArray`s
over memory in the library's order: `J[k, x, y]` of `jacobian` is never copied, and `view(J, k, :, :)` is the gradient of
point k. Given to this package again, such arrays (and transposes of a `Matrix`) are used in place; a plain `Matrix` of
size `(length, width)` is as good, and is rearranged once per call, which costs far less than anything computed from it.
`onsite_array(wire)` makes an array to fill.
"""
module MCD

using Libdl
using LinearAlgebra: Adjoint, Hermitian, Transpose, cond, eigen, norm, svdvals

export Wire, Problem, Sites, Gaussians, Gates, Hoppings, Directions, Smoothness, Result, Progress
export clean, onsite_array, open_modes, conductance, conductance!, jacobian, jacobian!, vjp, vjp!
export Device, Lead, SelfEnergy, transmission, transmission_matrix, conductance_matrix, circuit, resistance, resistance_jacobian
export noise, fano, pattern, jvp
export combined_jacobian, hopping_jacobian, hamiltonian_vjp, derivative, greens_function, wave_function, currents
export field_derivative, energy_derivative, smatrix, transmission_eigenvalues, ldos, states
export Feasibility, feasibility, nearest_feasible, read_curve, trace
export objective, objective!, fg!, onsite, hamiltonian, labels, identify, design, find_defect, quantize, resume, smooth
export ranked, roughness, neighbour_step, tesla, dimensionless_field

include("library.jl")
include("arrays.jl")
include("wire.jl")
include("device.jl")
include("targets.jl")
include("problem.jl")
include("result.jl")
include("plots.jl")
include("search.jl")

"Version of the library."
version() = unsafe_string(@ccall libmcd.mcd_version()::Cstring)

"Number of objects of the library that are alive, for leak tests."
live_handles() = get_scalar(Int64, p -> @ccall libmcd.mcd_live_handles(p::Ptr{Int64})::Cint)

"Bytes that the library's large buffers take now."
memory_used() = get_scalar(Int64, p -> @ccall libmcd.mcd_memory_used(p::Ptr{Int64})::Cint)

"Threads of wires created from now on: n ≥ 1, or 0 for all processors that the process may use."
set_threads(n::Integer) = check(@ccall libmcd.mcd_set_threads(n::Int64)::Cint)
get_threads() = get_scalar(Int64, p -> @ccall libmcd.mcd_get_threads(p::Ptr{Int64})::Cint)

"Bytes that the large buffers of all objects together may take, 0 for no bound."
set_memory_limit(bytes::Integer) = check(@ccall libmcd.mcd_set_memory_limit(bytes::Int64)::Cint)
get_memory_limit() = get_scalar(Int64, p -> @ccall libmcd.mcd_get_memory_limit(p::Ptr{Int64})::Cint)

"What wires can be computed on: (name, description, available) of each."
function devices()
    count = get_scalar(Csize_t, p -> @ccall libmcd.mcd_devices(p::Ptr{Csize_t})::Cint)
    map(0:Int(count)-1) do i
        (name = text((o, n, m) -> @ccall libmcd.mcd_device_name(i::Csize_t, o::Ptr{UInt8}, n::Csize_t, m::Ptr{Csize_t})::Cint),
         description = text((o, n, m) ->
             @ccall libmcd.mcd_device_description(i::Csize_t, o::Ptr{UInt8}, n::Csize_t, m::Ptr{Csize_t})::Cint),
         available = get_scalar(Int32, p -> @ccall libmcd.mcd_device_available(i::Csize_t, p::Ptr{Int32})::Cint) != 0)
    end
end

function __init__()
    open_library()
    hook_recipes()
end

const RECIPES = Base.PkgId(Base.UUID("3cdcf5f2-1ef4-517c-9805-6587b60abb01"), "RecipesBase")

"Julia before 1.9 knows no package extensions: there the plot recipes are loaded as soon as RecipesBase is."
function hook_recipes()
    isdefined(Base, :get_extension) && return
    recipes() = Base.include(Main, joinpath(@__DIR__, "..", "ext", "MCDRecipesBaseExt.jl"))
    haskey(Base.loaded_modules, RECIPES) ? recipes() : push!(Base.package_callbacks, id -> id == RECIPES && recipes())
end

end
