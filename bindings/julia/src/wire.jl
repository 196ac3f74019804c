# Quantum wires: conductance, S-matrix and densities over a sweep of fields, with exact derivatives.

"""
    Wire(length, width, fields; energy=1.2, hopping=1.0, lead_onsite=4.0, backend="auto", threads=nothing, memory_limit=0)
    Wire(; length, width, fields, ...)

A strip of length × width sites between two leads, and a sweep over magnetic fields φ = πBa²/φ₀. `energy` is one number for all
points or one for each. `lead_onsite` is the on-site energy of the leads and of a clean wire: 4t puts the band edge of a wide
wire at 0. Results do not depend on `threads`. `backend` is "cpu", "cuda" (an NVIDIA GPU, see `devices()`), or "auto": the GPU
where a measurement finds it faster.

`wire.fields`, `wire.energies`, `wire.hopping`, `wire.lead_onsite`, `wire.backend`, `wire.threads`, `wire.memory_limit` are
what they say; the last two may be set at any time. `size(wire)` is (length, width), `length(wire)` the number of points.
"""
struct Wire
    handle::Handle
    sites::Tuple{Int,Int}
    fields::Vector{Float64}
    energies::Vector{Float64}

    function Wire(handle::Handle)
        l, w, n = Ref{Int64}(0), Ref{Int64}(0), Ref{Int64}(0)
        check(@ccall libmcd.mcd_wire_shape(handle::UInt64, l::Ptr{Int64}, w::Ptr{Int64}, n::Ptr{Int64})::Cint)
        fields, energies = Vector{Float64}(undef, n[]), Vector{Float64}(undef, n[])
        check(@ccall libmcd.mcd_wire_fields(handle::UInt64, fields::Ptr{Float64}, n[]::Csize_t)::Cint)
        check(@ccall libmcd.mcd_wire_energies(handle::UInt64, energies::Ptr{Float64}, n[]::Csize_t)::Cint)
        new(handle, (l[], w[]), fields, energies)
    end
end

function Wire(length, width, fields; energy=1.2, hopping=1.0, lead_onsite=4.0, backend::AbstractString="auto", threads=nothing,
              memory_limit=0)
    l, w, t, onsite = whole(length, "length"), whole(width, "width"), real_number(hopping, "hopping"), real_number(lead_onsite, "lead_onsite")
    f, e = memory(collect(fields), (:,), "fields"), memory(energy isa Real ? [energy] : collect(energy), (:,), "energy")
    wire = create(p -> @ccall libmcd.mcd_wire_create(l::Int64, w::Int64, f::Ptr{Float64}, Base.length(f)::Csize_t,
                                                     e::Ptr{Float64}, Base.length(e)::Csize_t, p::Ptr{UInt64})::Cint)
    check(@ccall libmcd.mcd_wire_set_hopping(wire::UInt64, t::Float64)::Cint)
    check(@ccall libmcd.mcd_wire_set_lead_onsite(wire::UInt64, onsite::Float64)::Cint)
    backend == "auto" || check(@ccall libmcd.mcd_wire_set_backend(wire::UInt64, backend::Cstring)::Cint)
    threads === nothing || check(@ccall libmcd.mcd_wire_set_threads(wire::UInt64, whole(threads, "threads")::Int64)::Cint)
    memory_limit == 0 || check(@ccall libmcd.mcd_wire_set_memory_limit(wire::UInt64, whole(memory_limit, "memory_limit")::Int64)::Cint)
    Wire(wire)
end

Wire(; length, width, fields, options...) = Wire(length, width, fields; options...)

Base.size(wire::Wire) = wire.sites
Base.length(wire::Wire) = length(wire.fields)
Base.show(io::IO, wire::Wire) =
    print(io, "Wire of ", wire.sites[1], " × ", wire.sites[2], " sites, ", length(wire), " points, ", wire.backend)
Base.propertynames(::Wire) = (:fields, :energies, :hopping, :lead_onsite, :backend, :threads, :memory_limit)

function Base.getproperty(wire::Wire, name::Symbol)
    name in fieldnames(Wire) && return getfield(wire, name)
    h = getfield(wire, :handle)
    name === :hopping && return get_scalar(Float64, p -> @ccall libmcd.mcd_wire_get_hopping(h::UInt64, p::Ptr{Float64})::Cint)
    name === :lead_onsite &&
        return get_scalar(Float64, p -> @ccall libmcd.mcd_wire_get_lead_onsite(h::UInt64, p::Ptr{Float64})::Cint)
    name === :threads && return get_scalar(Int64, p -> @ccall libmcd.mcd_wire_get_threads(h::UInt64, p::Ptr{Int64})::Cint)
    name === :memory_limit &&
        return get_scalar(Int64, p -> @ccall libmcd.mcd_wire_get_memory_limit(h::UInt64, p::Ptr{Int64})::Cint)
    name === :backend && return text((o, n, m) ->
        @ccall libmcd.mcd_wire_get_backend(h::UInt64, o::Ptr{UInt8}, n::Csize_t, m::Ptr{Csize_t})::Cint)
    throw(ArgumentError("Wire has no property $name; it has $(join(propertynames(wire), ", "))"))
end

function Base.setproperty!(wire::Wire, name::Symbol, value)
    h = wire.handle
    name === :threads && return check(@ccall libmcd.mcd_wire_set_threads(h::UInt64, whole(value, "threads")::Int64)::Cint)
    name === :memory_limit && return check(@ccall libmcd.mcd_wire_set_memory_limit(h::UInt64, whole(value, "memory_limit")::Int64)::Cint)
    throw(ArgumentError("$name cannot be set; make another Wire"))
end

"""
    onsite_array(wire, value=wire.lead_onsite)

On-site energies filled with a value, `[x, y]`, of size (length, width), in the library's order.
"""
onsite_array(wire::Wire, value::Real=wire.lead_onsite) = fill!(new_sites(Float64, size(wire)), value)

"The on-site energies of a wire without any potential, `[x, y]`."
clean(wire::Wire) = onsite_array(wire)

const QUICK = 3e8 # multiply-adds of a call that is over before anyone presses Ctrl-C

quick(wire::Wire) = length(wire) * (wire.sites[1] + 50.0) * wire.sites[2]^3 < QUICK
cancel(wire::Wire) = @ccall libmcd.mcd_wire_cancel(wire.handle::UInt64)::Cint

compute(at, name::Symbol, arguments...) = compute(at, at.handle, name, arguments...)

"""
Calls a function of a wire or a device or of its problem, whose handle is h; calls that are not quick so that an interrupt cancels
them.
"""
function compute(at, h::Handle, name::Symbol, arguments...)
    own = at.handle
    GC.@preserve h own if quick(at)
        direct(name, h.value, arguments...)
    else
        interruptible(() -> cancel(at), name, h.value, arguments...)
    end
end

"Open modes N of either lead at every point: the ceiling of G."
function open_modes(wire::Wire)
    modes = Vector{Int64}(undef, length(wire))
    compute(wire, :mcd_wire_open_modes, modes, length(modes))
    modes
end

"""
    conductance(wire, onsite)
    conductance!(G, wire, onsite)

Conductance G of every point in e²/h, of on-site energies `[x, y]` of size (length, width).
"""
conductance(wire::Wire, onsite) = conductance!(Vector{Float64}(undef, length(wire)), wire, onsite)

function conductance!(G, wire::Wire, onsite)
    h, g = memory(onsite, size(wire), "onsite"), output(G, (length(wire),), "G")
    compute(wire, :mcd_wire_conductance, h, length(h), g, length(g))
    G
end

"""
    jacobian(wire, onsite) -> G, J
    jacobian!(G, J, wire, onsite)

Conductance and its exact derivative by every on-site energy: `J[k, x, y]` = ∂G[k]/∂onsite[x, y], not copied; `view(J, k, :, :)`
is the gradient of point k. The arrays of the second form are those that the first returns.
"""
jacobian(wire::Wire, onsite) =
    jacobian!(Vector{Float64}(undef, length(wire)), new_sites(Float64, length(wire), size(wire)), wire, onsite)

function jacobian!(G, J, wire::Wire, onsite)
    h, g = memory(onsite, size(wire), "onsite"), output(G, (length(wire),), "G")
    j = output(J, (length(wire), size(wire)...), "J")
    compute(wire, :mcd_wire_jacobian, h, length(h), g, length(g), j, length(j))
    G, J
end

"""
    vjp(wire, onsite[, weights]) -> G, gradient
    vjp!(G, gradient, wire, onsite[, weights])

Conductance and Σ_k weights[k] · ∂G[k]/∂onsite[x, y] at the price of one gradient; weights are ones by default.
"""
vjp(wire::Wire, onsite, weights=nothing) =
    vjp!(Vector{Float64}(undef, length(wire)), new_sites(Float64, size(wire)), wire, onsite, weights)

function vjp!(G, gradient, wire::Wire, onsite, weights=nothing)
    h, g, d = memory(onsite, size(wire), "onsite"), output(G, (length(wire),), "G"), output(gradient, size(wire), "gradient")
    w = weights === nothing ? Float64[] : memory(weights, (length(wire),), "weights")
    compute(wire, :mcd_wire_vjp, h, length(h), weights === nothing ? Ptr{Float64}(0) : w, length(w), g, length(g), d, length(d))
    G, gradient
end

"G and dG/dφ of every point."
field_derivative(wire::Wire, onsite) = derivative(:mcd_wire_field_derivative, wire, onsite)

"G and dG/dE of every point."
energy_derivative(wire::Wire, onsite) = derivative(:mcd_wire_energy_derivative, wire, onsite)

function derivative(name, wire::Wire, onsite)
    h, n = memory(onsite, size(wire), "onsite"), length(wire)
    G, D = Vector{Float64}(undef, n), Vector{Float64}(undef, n)
    compute(wire, name, h, length(h), G, n, D, n)
    G, D
end

"The energy of a wire that has one only."
function only_energy(wire::Wire)
    all(==(wire.energies[1]), wire.energies) ||
        throw(ArgumentError("energy: the wire has several; say at which one to compute"))
    wire.energies[1]
end

"""
    smatrix(wire, onsite; field=0.0, energy=the wire's)

S-matrix, 2N × 2N, at any field and energy: `S[m, n]` is the amplitude into mode m from mode n, the N modes of the left lead
first, so that the blocks are [r t'; t r']. Unitary. Modes are ordered by their wave number in (−π, π]; their phases are
a convention.
"""
function smatrix(wire::Wire, onsite; field::Real=0.0, energy::Real=only_energy(wire))
    h, modes, needed = memory(onsite, size(wire), "onsite"), Ref{Int64}(0), Ref{Csize_t}(0)
    point = (Float64(field), Float64(energy), modes)
    compute(wire, :mcd_wire_smatrix, h, length(h), point..., Ptr{Float64}(0), 0, needed)
    s = Matrix{ComplexF64}(undef, isqrt(needed[] ÷ 2), isqrt(needed[] ÷ 2))
    compute(wire, :mcd_wire_smatrix, h, length(h), point..., s, 2 * length(s), needed)
    transpose(s)
end

"Eigenvalues of t†t at any field and energy, descending; their sum is G."
function transmission_eigenvalues(wire::Wire, onsite; field::Real=0.0, energy::Real=only_energy(wire))
    h, needed = memory(onsite, size(wire), "onsite"), Ref{Csize_t}(0)
    arguments = (h, length(h), Float64(field), Float64(energy))
    compute(wire, :mcd_wire_transmission_eigenvalues, arguments..., Ptr{Float64}(0), 0, needed)
    values = Vector{Float64}(undef, needed[])
    compute(wire, :mcd_wire_transmission_eigenvalues, arguments..., values, length(values), needed)
    values
end

"""
    ldos(wire, onsite; field=0.0, energy=the wire's)

Local density of states −Im G_ii/π, `[x, y]`, per energy and site: the sum over the incoming modes of both leads of |ψ|²/2π.
"""
function ldos(wire::Wire, onsite; field::Real=0.0, energy::Real=only_energy(wire))
    h, out = memory(onsite, size(wire), "onsite"), new_sites(Float64, size(wire))
    compute(wire, :mcd_wire_ldos, h, length(h), Float64(field), Float64(energy), out.parent, length(out))
    out
end

"""
    states(wire, onsite; field=0.0, energy=the wire's, lead="left")

Scattering states `ψ[n, x, y]` for unit incoming flux in every mode n of one lead, "left" or "right", in the gauge where the
hopping from column x+1 to x is −t·exp(2iφy), y counted from 0.
"""
function states(wire::Wire, onsite; field::Real=0.0, energy::Real=only_energy(wire), lead="left")
    lead in ("left", "right") || throw(ArgumentError("lead: $(repr(lead)); give \"left\" or \"right\""))
    h, modes, needed = memory(onsite, size(wire), "onsite"), Ref{Int64}(0), Ref{Csize_t}(0)
    arguments = (h, length(h), Float64(field), Float64(energy), Int32(lead == "right"), modes)
    compute(wire, :mcd_wire_states, arguments..., Ptr{Float64}(0), 0, needed)
    out = new_sites(ComplexF64, Int(needed[]) ÷ (2 * prod(size(wire))), size(wire))
    compute(wire, :mcd_wire_states, arguments..., out.parent, 2 * length(out), needed)
    out
end

"""
    Feasibility

What can be said about a curve before any search: the `ceiling`, open modes N; the `excess`, how far the target lies outside
0 ≤ G ≤ N; where it is too `narrow`, with features sharper than one flux quantum through the wire; the `bound`, the smallest
possible |G − target|; all that as a `report`, which printing shows; and the `fields` and the `target` themselves.
"""
struct Feasibility
    ceiling::Vector{Int64}
    excess::Vector{Float64}
    narrow::BitVector
    bound::Float64
    report::String
    fields::Vector{Float64}
    target::Vector{Float64}
end

Base.show(io::IO, f::Feasibility) = print(io, isempty(f.report) ? "nothing stands against this curve" : f.report)
Base.iterate(f::Feasibility, i=1) = i > nfields(f) ? nothing : (getfield(f, i), i + 1) # may be unpacked
Base.length(f::Feasibility) = nfields(f)

"    feasibility(wire, target)\n\nWhether a curve can be reached at all: see `Feasibility`."
function feasibility(wire::Wire, target)
    t, h, n = memory(target, (length(wire),), "target"), wire.handle, length(wire)
    ceiling = open_modes(wire) # what takes long
    excess, narrow, bound = Vector{Float64}(undef, n), Vector{UInt8}(undef, n), Ref(0.0)
    report = text((o, c, m) -> @ccall libmcd.mcd_wire_feasibility(
        h::UInt64, t::Ptr{Float64}, n::Csize_t, excess::Ptr{Float64}, n::Csize_t, narrow::Ptr{UInt8}, n::Csize_t,
        bound::Ptr{Float64}, o::Ptr{UInt8}, c::Csize_t, m::Ptr{Csize_t})::Cint)
    Feasibility(ceiling, excess, narrow .!= 0, bound[], report, copy(wire.fields), copy(t))
end

"The curve nearest to `target` against which nothing is known: cut to 0 ≤ G ≤ N, even, no sharper than half a flux quantum."
function nearest_feasible(wire::Wire, target)
    t, n = memory(target, (length(wire),), "target"), length(wire)
    nearest = Vector{Float64}(undef, n)
    compute(wire, :mcd_wire_nearest_feasible, t, n, nearest, n)
    nearest
end

const FLUX_QUANTUM = 4.135667696923859e-15 # h/e in Wb

"    tesla(field, lattice_constant)\n\nB in tesla of a field φ = πBa²/φ₀, for a lattice constant a in metres."
tesla(field, lattice_constant) = field * FLUX_QUANTUM / (π * lattice_constant^2)

"    dimensionless_field(tesla, lattice_constant)\n\nφ = πBa²/φ₀ of a field B in tesla, for a lattice constant a in metres."
dimensionless_field(tesla, lattice_constant) = tesla * (π * lattice_constant^2) / FLUX_QUANTUM
