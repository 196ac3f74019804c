# The problem of finding a potential whose conductance is a given curve, and how a potential may be parametrized.

"""
    Sites(start=the clean wire; lower=-Inf, upper=Inf, frozen=nothing, ties=nothing, mirror="none", filter=0.0)

Every on-site energy is a parameter. Arrays are `[x, y]`, numbers stand for arrays filled with them. Sites with the same
number ≥ 0 in `ties` share one value, −1 stands alone. `mirror` is "none", "x", "y", "both" or "point"; `filter` the smallest
feature of the potential in lattice constants. The gradient of a clean wire vanishes by symmetry: better begin with some
disorder.
"""
struct Sites
    start
    options
    Sites(start=nothing; lower=-Inf, upper=Inf, frozen=nothing, ties=nothing, mirror="none", filter=0.0) =
        new(start, (lower = lower, upper = upper, frozen = frozen, ties = ties, mirror = mirror, filter = filter))
end

"""
    Gaussians(; x, y, amplitude, radius, free=("y", "amplitude", "radius"), bounds=Dict(), frozen=Dict(), ties=Dict(),
              background=nothing)

Bumps h = background + Σ_i amplitude[i] · exp(−((x − x[i])² + (y − y[i])²)/radius[i]²); positions are coordinates, 0 at the
first site. `bounds["y"] = (lower, upper)`, `frozen["y"]`, `ties["y"]`: by name, one value for all Gaussians or one for each.
"""
struct Gaussians
    start::NTuple{4,Vector{Float64}}
    free::Vector{String}
    options
    background
    function Gaussians(; x, y, amplitude, radius, free=("y", "amplitude", "radius"), bounds=Dict(), frozen=Dict(),
                       ties=Dict(), background=nothing)
        n = maximum(length, (x, y, amplitude, radius))
        start = map(v -> v isa Real ? fill(Float64(v), n) : Vector{Float64}(collect(v)), (x, y, amplitude, radius))
        wanted = free isa AbstractString ? (free,) : free
        for name in wanted
            name in QUANTITIES || throw(ArgumentError("free: $(repr(name)); valid names are $(join(QUANTITIES, ", "))"))
        end
        names = [name for name in QUANTITIES if name in wanted]
        for given in (bounds, frozen, ties), name in keys(given)
            name in names || throw(ArgumentError("$(repr(name)) is not a free parameter; these are $(join(names, ", "))"))
        end
        new(start, names, (bounds = bounds, frozen = frozen, ties = ties), background)
    end
end

const QUANTITIES = ("x", "y", "amplitude", "radius")

"""
    Gates(basis, volts=0; lower=-Inf, upper=Inf, frozen=nothing, ties=nothing, background=nothing)

The voltages of gates are the parameters: h = background + Σ_i volts[i] · basis[i, :, :], with a basis of size
(gates, length, width).
"""
struct Gates
    basis
    volts
    options
    background
    Gates(basis, volts=0.0; lower=-Inf, upper=Inf, frozen=nothing, ties=nothing, background=nothing) =
        new(basis, volts, (lower = lower, upper = upper, frozen = frozen, ties = ties), background)
end

"""
    Smoothness(weight)
    Smoothness(wire; step)

weight × Σ (difference of neighbouring sites)², added to the objective; or with the weight by which neighbouring sites that differ
by a root mean square of `step` cost 1 of the objective.
"""
struct Smoothness
    weight::Float64
    Smoothness(weight) = new(real_number(weight, "weight"))
end

function Smoothness(wire::Wire; step)
    step isa Real && 0 < step < Inf || throw(ArgumentError("step: $step; give a finite difference of neighbouring sites above 0"))
    Smoothness(1 / (bonds(size(wire)) * step^2))
end

"Pairs of neighbouring sites."
bonds((length, width)) = 2length * width - length - width

"L_pot of a potential: the sum of the squared differences of neighbouring sites."
roughness(onsite::AbstractMatrix) = sum(d -> sum(abs2, diff(onsite; dims=d)), 1:2)

"Root mean square difference of neighbouring sites of a potential."
neighbour_step(onsite::AbstractMatrix) = sqrt(roughness(onsite) / max(1, bonds(size(onsite))))

"""
    Problem(wire, target, parametrization=Sites(); weights=nothing, regularizers=(), loss="squares", loss_scale=1.0)

The problem of finding a potential whose conductance is `target`, one value per point in e²/h. The objective is
L = log √(Σ loss(w·(G − target))) plus the regularizers; the loss is "squares", or "log" or "huber" against outliers.

`problem.wire`, `.target`, `.weights`, `.background`, `.start`, `.parametrization`, `.curves` are what they say; `labels(problem)`
names the parameters. `MCD.encode` and `MCD.save` hand it to other programs and languages.
"""
struct Problem
    handle::Handle
    wire::Union{Wire,Device}
end

"Leads (to, from) of the curves of a device, none of a wire."
function curves_of(handle::Handle)
    leads = growing(Int64, (o, n, m) ->
        @ccall libmcd.mcd_problem_get_curves(handle::UInt64, o::Ptr{Int64}, n::Csize_t, m::Ptr{Csize_t})::Cint)
    [(Int(leads[i]) + 1, Int(leads[i+1]) + 1) for i in 1:2:length(leads)]
end

function Problem(handle::Handle)
    isempty(curves_of(handle)) && return Problem(handle, Wire(create(p -> @ccall libmcd.mcd_problem_wire(handle::UInt64, p::Ptr{UInt64})::Cint)))
    Problem(handle, Device(create(p -> @ccall libmcd.mcd_problem_system(handle::UInt64, p::Ptr{UInt64})::Cint)))
end

"""
    Problem(device, target, parametrization=Sites(); curves=[(2, 1)], weights=nothing, loss="squares", loss_scale=1.0)

The same for any device, whose transmissions `(to, from)` shall follow the curves of `target`: a vector for one curve, or a matrix
`[point, curve]`. Parametrizations are `Sites`, `Gates` (bases `[gate, orbital]`) and `Gaussians` by on-site energies added to the
orbitals, `Hoppings` and `Directions`. `problem.wire` is the device; `target` and `weights` are matrices.
"""
function Problem(device::Device, target, parametrization=nothing; curves=[(2, 1)], weights=nothing, loss="squares", loss_scale=1.0)
    all(curve -> curve isa Union{Tuple,AbstractVector} && length(curve) == 2, curves) ||
        throw(ArgumentError("curves: $curves; give (to, from) for each"))
    pairs = Int64[lead_of(device, lead, "curves") for curve in curves for lead in curve]
    shape = (length(device), length(curves))
    t, d = by_curve(target, shape, "target"), device.handle
    h = create(p -> @ccall libmcd.mcd_problem_create_device(d::UInt64, pairs::Ptr{Int64}, length(pairs)::Csize_t, t::Ptr{Float64},
                                                            length(t)::Csize_t, p::Ptr{UInt64})::Cint)
    problem = Problem(h, device)
    parametrization === nothing || apply!(problem, parametrization)
    if weights !== nothing
        v = by_curve(weights isa Real ? fill(weights, shape) : weights, shape, "weights")
        check(@ccall libmcd.mcd_problem_set_weights(h::UInt64, v::Ptr{Float64}, length(v)::Csize_t)::Cint)
    end
    loss == "squares" || check(@ccall libmcd.mcd_problem_set_loss(h::UInt64, loss::Cstring, loss_scale::Float64)::Cint)
    modes, wanted = open_modes(device), reshape(t, shape)
    for (c, (to, from)) in enumerate(curves)
        excess = max.(wanted[:, c] - min.(modes[:, to], modes[:, from]), -wanted[:, c])
        worst = argmax(excess)
        excess[worst] > 1e-9 && @warn string("The curve from lead ", from, " to lead ", to, " leaves the range from 0 to the number ",
            "of open modes at ", count(>(1e-9), excess), " points, most at point ", worst, ", by ", round(excess[worst]; sigdigits=3), ".")
    end
    problem
end

"Curves one after the other, from [point, curve] or one curve."
by_curve(v::AbstractVector, shape, name) = by_curve(reshape(v, :, 1), shape, name)
by_curve(v::AbstractMatrix{<:Real}, shape, name) = (finite(v, sized(v, shape, name), name); Vector{Float64}(vec(v)))
by_curve(v, shape, name) = throw(ArgumentError("$name: $(summary(v)); give real numbers of size $shape"))

"""
    Directions(changes, start=0; names=nothing, lower=-Inf, upper=Inf, frozen=nothing, ties=nothing)

The coefficients c of changes D of a device's Hamiltonians are the parameters: H = H₀ + Σ_k c[k]·D[k]; leads stay as they are.
`changes` has every D as a matrix, or as values on the entries of `pattern`: a vector, or `[point, entry]`. Results call the
coefficients by `names`.
"""
struct Directions
    changes
    start
    names
    options
    Directions(changes, start=0.0; names=nothing, lower=-Inf, upper=Inf, frozen=nothing, ties=nothing) =
        new(changes, start, names, (lower = lower, upper = upper, frozen = frozen, ties = ties))
end

function apply!(problem::Problem, directions::Directions)
    device = of_device(problem)
    places = entry_places(device)
    parts = [change(device, places, d, "changes[$k]") for (k, d) in enumerate(directions.changes)]
    set_directions!(problem, parts, directions.start, directions.names, directions.options)
end

"Numbers of entries and values, [entry, point] or [entry, 1], of a change."
function change(device::Device, places, d, name)
    n, points = length(places), length(device)
    if d isa AbstractMatrix && size(d) == (device.orbitals, device.orbitals) != (points, n)
        at = findall(!iszero, d)
        return [entry_at(places, Tuple(i), name) for i in at], reshape(ComplexF64[d[i] for i in at], :, 1)
    end
    d isa Union{AbstractVector,AbstractMatrix} && size(d) in ((n,), (points, n)) || throw(ArgumentError(
        "$name: $(summary(d)); give a matrix of size $((device.orbitals, device.orbitals)), or $n values, or size $((points, n))"))
    values = d isa AbstractVector ? reshape(d, :, 1) : permutedims(d)
    kept = findall(i -> any(!iszero, view(values, i, :)), 1:n)
    kept, Matrix{ComplexF64}(values[kept, :])
end

"""
    Hoppings(bonds, start=0; kind="relative", lower=-Inf, upper=Inf, frozen=nothing, ties=nothing)

Hoppings (i, j) of a device are the parameters, each tied to the conjugate of its reverse: "relative" makes H_ij into (1 + c)·H_ij,
which keeps the phases of a field; "real" H_ij + c; "complex" too, with two parameters for each bond, real and imaginary part.
"""
struct Hoppings
    bonds::Vector{Tuple{Int,Int}}
    start
    kind::String
    options
    function Hoppings(bonds, start=0.0; kind="relative", lower=-Inf, upper=Inf, frozen=nothing, ties=nothing)
        kind in ("relative", "real", "complex") ||
            throw(ArgumentError("kind: $(repr(kind)); give \"relative\", \"real\" or \"complex\""))
        new([(i, j) for (i, j) in bonds], start, kind, (lower = lower, upper = upper, frozen = frozen, ties = ties))
    end
end

function apply!(problem::Problem, hoppings::Hoppings)
    device = of_device(problem)
    places = entry_places(device)
    values = hoppings.kind == "relative" ? entry_values(device) : nothing
    parts, names = [], String[]
    for (i, j) in hoppings.bonds
        both = [entry_at(places, (i, j), "bonds"), entry_at(places, (j, i), "bonds")]
        if values !== nothing
            push!(parts, (both, values[both, :]))
        else
            push!(parts, (both, ComplexF64[1 1]'))
            hoppings.kind == "complex" && push!(parts, (both, reshape([1.0im, -1.0im], 2, 1)))
        end
        append!(names, "hopping[$i,$j]" .* (hoppings.kind == "complex" ? [".real", ".imag"] : [""]))
    end
    set_directions!(problem, parts, hoppings.start, names, hoppings.options)
end

of_device(problem::Problem) = problem.wire isa Device ? problem.wire :
    throw(ArgumentError("parametrization: hoppings and directions are for devices; give Sites, Gaussians or Gates"))

"Numbers of the entries of `pattern`."
entry_places(device::Device) = Dict(zip(zip(pattern(device)...), 1:length(pattern(device)[1])))
entry_at(places, (i, j), name) = get(places, (i, j)) do
    throw(ArgumentError("$name: ($i, $j) is no entry of the Hamiltonian; give entries of pattern(device), and list zeros there that shall change"))
end

"Sets directions of parts (entries, values)."
function set_directions!(problem::Problem, parts, start, names, o)
    h, n = problem.handle, length(parts)
    rows = reduce(max, [size(v, 2) for (_, v) in parts]; init=1)
    first = cumsum(Int64[0; [length(e) for (e, _) in parts]])
    entries = Int64[e - 1 for (es, _) in parts for e in es]
    values = reduce(vcat, [size(v, 2) == rows ? v : repeat(v, 1, rows) for (_, v) in parts]; init=Matrix{ComplexF64}(undef, 0, rows))
    s, lines = memory(each(start, n, "start"), (n,), "start"), names === nothing ? C_NULL : join(names, "\n")
    GC.@preserve lines begin
        text = names === nothing ? Ptr{UInt8}(0) : pointer(lines)
        check(@ccall libmcd.mcd_problem_set_directions(h::UInt64, first::Ptr{Int64}, length(first)::Csize_t, entries::Ptr{Int64},
            length(entries)::Csize_t, values::Ptr{ComplexF64}, (2length(values))::Csize_t, s::Ptr{Float64}, n::Csize_t,
            text::Ptr{UInt8})::Cint)
    end
    constrain!(problem, n, o)
end

"Values of a device's entries, [entry, point], in the order of `pattern`."
function entry_values(device::Device)
    h, values = device.handle, Matrix{ComplexF64}(undef, length(pattern(device)[1]), length(device))
    check(@ccall libmcd.mcd_system_values(h::UInt64, values::Ptr{ComplexF64}, (2length(values))::Csize_t)::Cint)
    values
end

"Numbers of the engine's inputs and of the target's values."
function counts_of_engine(problem::Problem)
    h, inputs, outputs = getfield(problem, :handle), Ref{Csize_t}(0), Ref{Csize_t}(0)
    check(@ccall libmcd.mcd_problem_shape(h::UInt64, inputs::Ptr{Csize_t}, outputs::Ptr{Csize_t})::Cint)
    Int(inputs[]), Int(outputs[])
end

"A new array for on-site energies: [x, y], or of a device a vector (of coefficients for hoppings)."
new_onsite(problem::Problem) =
    getfield(problem, :wire) isa Wire ? new_sites(Float64, size(getfield(problem, :wire))) : Vector{Float64}(undef, counts_of_engine(problem)[1])

"Values of the points of a wire, or [point, curve] of a device."
by_point(problem::Problem, v) = getfield(problem, :wire) isa Wire ? v : reshape(v, length(getfield(problem, :wire)), :)

function Problem(wire::Wire, target, parametrization=nothing; weights=nothing, regularizers=(), loss="squares", loss_scale=1.0)
    t, w, n = memory(target, (length(wire),), "target"), wire.handle, length(wire)
    h = create(p -> @ccall libmcd.mcd_problem_create(w::UInt64, t::Ptr{Float64}, n::Csize_t, p::Ptr{UInt64})::Cint)
    problem = Problem(h, wire)
    parametrization === nothing || apply!(problem, parametrization)
    if weights !== nothing
        v = memory(weights isa Real ? fill(weights, n) : weights, (n,), "weights")
        check(@ccall libmcd.mcd_problem_set_weights(h::UInt64, v::Ptr{Float64}, n::Csize_t)::Cint)
    end
    for r in (regularizers isa Smoothness ? (regularizers,) : regularizers)
        r isa Smoothness || throw(ArgumentError("regularizers: $(repr(r)); give Smoothness(weight)"))
        check(@ccall libmcd.mcd_problem_set_regularizer(h::UInt64, "smoothness"::Cstring, r.weight::Float64)::Cint)
    end
    loss == "squares" || check(@ccall libmcd.mcd_problem_set_loss(h::UInt64, loss::Cstring, loss_scale::Float64)::Cint)
    possible = feasibility(wire, t)
    possible.bound > 1e-9 && @warn possible.report
    problem
end

apply!(::Problem, other) =
    throw(ArgumentError("parametrization: $(repr(other)); give Sites, Gaussians, Gates, Hoppings or Directions"))

function apply!(problem::Problem, sites::Sites)
    h, shape, o = problem.handle, size(problem.wire), sites.options
    start = memory(sites.start === nothing ? (problem.wire isa Wire ? problem.wire.lead_onsite : 0.0) : sites.start, shape, "start")
    check(@ccall libmcd.mcd_problem_set_sites(h::UInt64, start::Ptr{Float64}, length(start)::Csize_t)::Cint)
    constrain!(problem, prod(shape), o) do v, name
        v isa AbstractArray ? (ndims(v) == 1 ? sized(v, shape, name) : vec(permutedims(sized(v, shape, name)))) : fill(v, prod(shape))
    end
    check(@ccall libmcd.mcd_problem_set_mirror(h::UInt64, o.mirror::Cstring)::Cint)
    check(@ccall libmcd.mcd_problem_set_filter(h::UInt64, o.filter::Float64)::Cint)
end

function apply!(problem::Problem, gates::Gates)
    h, o = problem.handle, gates.options
    basis = memory(gates.basis, (:, size(problem.wire)...), "basis")
    n = last(size(basis))
    volts = memory(each(gates.volts, n, "volts"), (n,), "volts")
    check(@ccall libmcd.mcd_problem_set_gates(h::UInt64, basis::Ptr{Float64}, length(basis)::Csize_t, volts::Ptr{Float64},
                                              n::Csize_t)::Cint)
    set_background!(problem, gates.background)
    constrain!(problem, n, o)
end

function apply!(problem::Problem, g::Gaussians)
    h, n = problem.handle, maximum(length, g.start)
    x, y, amplitude, radius = map(v -> length(v) == 1 ? fill(v[1], n) : sized(v, (n,), "x, y, amplitude, radius"), g.start)
    free = reduce(|, (UInt32(1) << (findfirst(==(name), QUANTITIES) - 1) for name in g.free); init=UInt32(0))
    check(@ccall libmcd.mcd_problem_set_gaussians(h::UInt64, x::Ptr{Float64}, y::Ptr{Float64}, amplitude::Ptr{Float64},
                                                  radius::Ptr{Float64}, n::Csize_t, free::UInt32)::Cint)
    set_background!(problem, g.background)
    o = g.options
    # Entries are ordered Gaussian by Gaussian, within each by quantity. A free radius stays above 0.1 unless bounded otherwise.
    rows(given) = vec(permutedims(reduce(hcat, [(v = given(name); v isa Real ? fill(v, n) : collect(v)) for name in g.free])))
    bound(side, default) = rows(name -> haskey(o.bounds, name) ? o.bounds[name][side] : default(name))
    constrain!(problem, n * length(g.free), bound(1, name -> name == "radius" ? 0.1 : -Inf), bound(2, _ -> Inf),
               isempty(o.frozen) ? nothing : rows(name -> get(o.frozen, name, false)),
               isempty(o.ties) ? nothing : rows(name -> get(o.ties, name, -1)))
end

"Bounds and so on of n entries, in their order: by `over(value, name)` from one for all or one for each."
constrain!(over, problem::Problem, n, o) =
    constrain!(problem, n, over(o.lower, "lower"), over(o.upper, "upper"), o.frozen === nothing ? nothing : over(o.frozen, "frozen"),
               o.ties === nothing ? nothing : over(o.ties, "ties"))
constrain!(problem::Problem, n, o) = constrain!((v, name) -> each(v, n, name), problem, n, o)

function constrain!(problem::Problem, n, lower, upper, frozen, ties)
    h = problem.handle
    if any(!=(-Inf), lower) || any(!=(Inf), upper)
        l, u = in_order(lower, (n,), "lower"), in_order(upper, (n,), "upper")
        check(@ccall libmcd.mcd_problem_set_bounds(h::UInt64, l::Ptr{Float64}, n::Csize_t, u::Ptr{Float64}, n::Csize_t)::Cint)
    end
    if frozen !== nothing
        all(v -> v in (0, 1), frozen) || throw(ArgumentError("frozen: $(frozen[findfirst(v -> !(v in (0, 1)), frozen)]); give true or false"))
        f = Vector{UInt8}(sized(frozen, (n,), "frozen"))
        check(@ccall libmcd.mcd_problem_set_frozen(h::UInt64, f::Ptr{UInt8}, n::Csize_t)::Cint)
    end
    if ties !== nothing
        t = Int64[whole(v, "ties") for v in sized(ties, (n,), "ties")]
        check(@ccall libmcd.mcd_problem_set_ties(h::UInt64, t::Ptr{Int64}, n::Csize_t)::Cint)
    end
end

set_background!(::Problem, ::Nothing) = nothing
function set_background!(problem::Problem, background)
    h, b = problem.handle, memory(background, size(problem.wire), "background")
    check(@ccall libmcd.mcd_problem_set_background(h::UInt64, b::Ptr{Float64}, length(b)::Csize_t)::Cint)
end

Base.propertynames(::Problem) = (:wire, :target, :weights, :background, :start, :parametrization, :curves)
Base.show(io::IO, p::Problem) =
    print(io, "Problem of ", parameters(p), " parameters by ", p.parametrization, " for a ", p.wire)

function Base.getproperty(problem::Problem, name::Symbol)
    name in fieldnames(Problem) && return getfield(problem, name)
    h, wire = getfield(problem, :handle), getfield(problem, :wire)
    n = counts_of_engine(problem)[2]
    vector(f, count) = (out = Vector{Float64}(undef, count); check(f(out, count)); out)
    name === :target && return by_point(problem, vector((o, c) -> @ccall(libmcd.mcd_problem_get_target(h::UInt64, o::Ptr{Float64}, c::Csize_t)::Cint), n))
    name === :weights && return by_point(problem, vector((o, c) -> @ccall(libmcd.mcd_problem_get_weights(h::UInt64, o::Ptr{Float64}, c::Csize_t)::Cint), n))
    name === :start &&
        return vector((o, c) -> @ccall(libmcd.mcd_problem_start(h::UInt64, o::Ptr{Float64}, c::Csize_t)::Cint), parameters(problem))
    name === :parametrization && return text((o, c, m) ->
        @ccall libmcd.mcd_problem_get_parametrization(h::UInt64, o::Ptr{UInt8}, c::Csize_t, m::Ptr{Csize_t})::Cint)
    name === :curves && return curves_of(h)
    if name === :background
        out = new_onsite(problem)
        check(@ccall libmcd.mcd_problem_get_background(h::UInt64, raw(out)::Ptr{Float64}, length(out)::Csize_t)::Cint)
        return out
    end
    throw(ArgumentError("Problem has no property $name; it has $(join(propertynames(problem), ", "))"))
end

function counts(problem::Problem)
    h, entries, parameters = problem.handle, Ref{Csize_t}(0), Ref{Csize_t}(0)
    check(@ccall libmcd.mcd_problem_counts(h::UInt64, entries::Ptr{Csize_t}, parameters::Ptr{Csize_t})::Cint)
    Int(entries[]), Int(parameters[])
end
parameters(problem::Problem) = counts(problem)[2]

"Names of the parameters in their order, such as \"amplitude[0]\": sites, Gaussians and gates are counted from 0 there."
labels(problem::Problem) = map(0:parameters(problem)-1) do i
    h = problem.handle
    text((o, n, m) -> @ccall libmcd.mcd_problem_label(h::UInt64, i::Csize_t, o::Ptr{UInt8}, n::Csize_t, m::Ptr{Csize_t})::Cint)
end

"""
    onsite(problem, parameters=problem.start)

The potential, `[x, y]`, of parameters; of a device the energies added to its orbitals.
"""
function onsite(problem::Problem, x=problem.start)
    problem.parametrization == "directions" && throw(ArgumentError(
        "parameters: they are coefficients of directions, not on-site energies; see hamiltonian(problem)"))
    h, v, out = problem.handle, memory(x, (parameters(problem),), "parameters"), new_onsite(problem)
    check(@ccall libmcd.mcd_problem_onsite(h::UInt64, v::Ptr{Float64}, length(v)::Csize_t, raw(out)::Ptr{Float64},
                                           length(out)::Csize_t)::Cint)
    out
end

"""
    hamiltonian(problem, parameters=problem.start)

Hamiltonians of parameters of a problem by hoppings or directions, `[point, entry]` over the entries of `pattern`.
"""
function hamiltonian(problem::Problem, x=problem.start)
    h, v = problem.handle, memory(x, (parameters(problem),), "parameters")
    out = similar(entry_values(of_device(problem)))
    check(@ccall libmcd.mcd_problem_hamiltonian(h::UInt64, v::Ptr{Float64}, length(v)::Csize_t, out::Ptr{ComplexF64},
                                                (2length(out))::Csize_t)::Cint)
    PermutedDimsArray(out, (2, 1))
end

"""
    objective(problem, x=problem.start) -> L, gradient
    objective!(gradient, problem, x) -> L

L of parameters and its gradient. A gradient of `nothing` is not computed: then it costs a value only.
"""
function objective(problem::Problem, x=problem.start)
    gradient = Vector{Float64}(undef, length(x))
    objective!(gradient, problem, x), gradient
end

function objective!(gradient, problem::Problem, x)
    v, value = memory(x, (parameters(problem),), "parameters"), Ref(0.0)
    g = gradient === nothing ? Float64[] : memory_or_copy(gradient)
    compute(problem, :mcd_problem_objective, v, length(v), value, isempty(g) ? Ptr{Float64}(0) : g, length(g))
    gradient === nothing || g === gradient || copyto!(gradient, g)
    value[]
end

"""
    identify(problem, x=problem.start; sigma=nothing) -> (rank, singular_values, combinations, errors, sensitivity)

What the curve determines at parameters, to first order: singular values of ∂(w·G)/∂parameters, descending; how many of them
count; the combinations of parameters that belong to them, `[parameter, number]`; standard errors of the parameters, `Inf` where
the curve leaves a part undetermined (`sigma` is the noise of the curve; default: estimated from the misfit); and the norm of
∂(w·G) by every site, `[x, y]`.
"""
function identify(problem::Problem, x=problem.start; sigma=nothing)
    n = parameters(problem)
    v, s = memory(x, (n,), "parameters"), sigma === nothing ? 0.0 : Float64(sigma)
    values = min(n, counts_of_engine(problem)[2])
    rank, singular, errors = Ref{Int64}(0), Vector{Float64}(undef, values), Vector{Float64}(undef, n)
    combinations, sensitivity = Matrix{Float64}(undef, n, values), new_onsite(problem)
    compute(problem, :mcd_problem_identify, v, n, s, rank, singular, values, combinations, n * values, errors, n,
            raw(sensitivity), length(sensitivity))
    (rank = Int(rank[]), singular_values = singular, combinations = combinations, errors = errors, sensitivity = sensitivity)
end

memory_or_copy(g::Vector{Float64}) = g
memory_or_copy(g) = Vector{Float64}(undef, length(g))

compute(problem::Problem, name::Symbol, arguments...) = compute(problem.wire, problem.handle, name, arguments...)

"""
    fg!(problem) -> fg!(F, G, x)

The objective as optimizers like Optim.jl want it: `Optim.optimize(Optim.only_fg!(fg!(problem)), problem.start, LBFGS())`.
G is filled unless it is `nothing`; L is returned unless F is `nothing`.
"""
fg!(problem::Problem) = (F, G, x) -> begin
    value = F === nothing && G === nothing ? nothing : objective!(G, problem, x)
    F === nothing ? nothing : value
end

"The problem as bytes for other programs and languages, a FlatBuffer of the schema mcd.fbs; `MCD.decode_problem` reads it."
encode(problem::Problem) = growing(UInt8, (o, n, m) ->
    @ccall libmcd.mcd_problem_encode(problem.handle::UInt64, o::Ptr{UInt8}, n::Csize_t, m::Ptr{Csize_t})::Cint)

decode_problem(bytes::Vector{UInt8}) = Problem(create(p ->
    @ccall libmcd.mcd_problem_decode(bytes::Ptr{UInt8}, length(bytes)::Csize_t, p::Ptr{UInt64})::Cint))

"    MCD.save(path, x)\n\nWrites a problem or a result to a .mcd file, as a whole or not at all."
save(path::AbstractString, problem::Problem) =
    (check(@ccall libmcd.mcd_problem_save(problem.handle::UInt64, path::Cstring)::Cint); nothing)

load_problem(path::AbstractString) = Problem(create(p -> @ccall libmcd.mcd_problem_load(path::Cstring, p::Ptr{UInt64})::Cint))
