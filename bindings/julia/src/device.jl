# Any device: sparse Hamiltonians over a sweep, leads anywhere; transmissions, densities, and exact derivatives.

"""
    Lead(cell, hopping, interface)

A periodic lead: cells 0, 1, … lead away from the device. `cell` is the Hamiltonian of one cell, `hopping` is ⟨cell n+1|H|cell n⟩ from
the first orbitals of a cell, `interface` lists the orbitals of the device that take the place of those of "cell −1".
Vectors of matrices give one for every point of the sweep.
"""
struct Lead
    cell::Vector{Matrix{ComplexF64}}
    hopping::Vector{Matrix{ComplexF64}}
    interface::Vector{Int}
end

each_point(a::AbstractMatrix) = [Matrix{ComplexF64}(a)]
each_point(a::AbstractVector) = [Matrix{ComplexF64}(m) for m in a]
Lead(cell::AbstractArray, hopping::AbstractArray, interface) = Lead(each_point(cell), each_point(hopping), collect(Int, interface))

"""
    SelfEnergy(sigma, interface)

A lead of which only the self-energy Σ on the orbitals of `interface` is known: a matrix, or a vector with one for every point.
"""
struct SelfEnergy
    sigma::Vector{Matrix{ComplexF64}}
    interface::Vector{Int}
end

SelfEnergy(sigma::AbstractArray, interface) = SelfEnergy(each_point(sigma), collect(Int, interface))

"The matrices of a lead, and the sizes that they must have."
matrices(l::Lead) = (cell = l.cell, hopping = l.hopping)
matrices(l::SelfEnergy) = (sigma = l.sigma,)
sizes(l::Lead) = (n = size(first(l.cell), 1); (cell = (n, n), hopping = (n, length(l.interface))))
sizes(l::SelfEnergy) = (sigma = (length(l.interface), length(l.interface)),)

function check_lead(l::Union{Lead,SelfEnergy}, i, orbitals)
    wrong = findfirst(k -> !(1 <= k <= orbitals), l.interface)
    wrong === nothing ||
        throw(ArgumentError("leads[$i]: interface orbital $(l.interface[wrong]); give orbitals from 1 to $orbitals"))
    for (name, want) in pairs(sizes(l)), m in matrices(l)[name]
        size(m) == want || throw(ArgumentError("leads[$i]: $name of size $(size(m)); give size $want"))
    end
end
check_lead(l, i, _) = throw(ArgumentError("leads[$i]: $(summary(l)); give a Lead or a SelfEnergy"))

"""
    Device(hamiltonian, leads, energy; positions=nothing, hermitian=true, threads=nothing, memory_limit=0)

A batch of scattering problems that share a sparsity pattern. `hamiltonian` is one sparse matrix, or a vector with one for every
point of the sweep; `energy` is a number or a vector; `positions`, a matrix (dimensions, orbitals), helps to find a good order of
elimination. Leads, orbitals and points count from 1. On-site energies, where a function takes them, are added to the diagonal.

`device.orbitals`, `.energies`, `.interfaces` (the orbitals that each lead touches), `.positions` and `.backend` are what they say;
`length(device)` is the number of points.
"""
struct Device
    handle::Handle
    orbitals::Int
    energies::Vector{Float64}
    interfaces::Vector{Vector{Int}}
end

function Device(hamiltonian, leads, energy; positions=nothing, hermitian::Bool=true, threads::Union{Integer,Nothing}=nothing,
                memory_limit::Integer=0)
    hamiltonians = hamiltonian isa AbstractMatrix ? [hamiltonian] : collect(hamiltonian)
    rows, cols, values = entries(hamiltonians)
    leads, n = collect(leads), size(first(hamiltonians), 1)
    foreach(i -> check_lead(leads[i], i, n), eachindex(leads))
    points = maximum([length(energy), length(hamiltonians), (length(m) for l in leads for m in matrices(l))...])
    spread(a, name) = length(a) in (1, points) ? [a[min(k, end)] for k in 1:points] :
                      throw(ArgumentError("$name: $(length(a)) entries for $points points; give one for all or one for each"))
    energies = Vector{Float64}(spread(energy isa Real ? [energy] : collect(energy), "energy"))
    h = create(p -> @ccall libmcd.mcd_system_create(n::Int64, rows::Ptr{Int64}, length(rows)::Csize_t, cols::Ptr{Int64},
        length(cols)::Csize_t, energies::Ptr{Float64}, points::Csize_t, p::Ptr{UInt64})::Cint)
    hermitian || check(@ccall libmcd.mcd_system_set_hermitian(h::UInt64, 0::Int32)::Cint)
    v = reduce(hcat, spread(values, "hamiltonian"))
    check(@ccall libmcd.mcd_system_set_values(h::UInt64, v::Ptr{ComplexF64}, (2length(v))::Csize_t)::Cint)
    if positions !== nothing
        x = Matrix{Float64}(positions)
        check(@ccall libmcd.mcd_system_set_positions(h::UInt64, x::Ptr{Float64}, length(x)::Csize_t, size(x, 1)::Int64)::Cint)
    end
    threads === nothing || check(@ccall libmcd.mcd_system_set_threads(h::UInt64, threads::Int64)::Cint)
    memory_limit == 0 || check(@ccall libmcd.mcd_system_set_memory_limit(h::UInt64, memory_limit::Int64)::Cint)
    foreach(l -> attach!(h, l, points), leads)
    Device(h, n, energies, [l.interface for l in leads])
end

function attach!(h::Handle, l::Lead, _)
    at, c, t = l.interface .- 1, row_major(l.cell), row_major(l.hopping)
    check(@ccall libmcd.mcd_system_add_lead(h::UInt64, at::Ptr{Int64}, length(at)::Csize_t, size(l.cell[1], 1)::Int64,
        c::Ptr{ComplexF64}, (2length(c))::Csize_t, t::Ptr{ComplexF64}, (2length(t))::Csize_t)::Cint)
end

function attach!(h::Handle, l::SelfEnergy, points)
    at, sigma = l.interface .- 1, row_major(l.sigma)
    waves = [injection(l.sigma[min(k, end)]) for k in 1:points]
    modes, q = Int64[size(w, 2) for w in waves], row_major(waves)
    check(@ccall libmcd.mcd_system_add_self_energy(h::UInt64, at::Ptr{Int64}, length(at)::Csize_t, sigma::Ptr{ComplexF64},
        (2length(sigma))::Csize_t, modes::Ptr{Int64}, length(modes)::Csize_t, q::Ptr{ComplexF64}, (2length(q))::Csize_t,
        C_NULL::Ptr{ComplexF64}, 0::Csize_t, C_NULL::Ptr{ComplexF64}, 0::Csize_t)::Cint)
end

"Q with QQ† = Γ = i(Σ − Σ†), one column for every open channel."
function injection(sigma)
    isempty(sigma) && return sigma
    gamma = Hermitian(im * (sigma - sigma'))
    widths, channels = eigen(gamma)
    tolerance = 1000 * eps() * max(maximum(abs, sigma), maximum(sum(abs, gamma; dims=1)))
    first(widths) < -tolerance && throw(ArgumentError(
        "sigma: i(Σ − Σ†) has the eigenvalue $(first(widths)); give a retarded self-energy, whose lead takes away and does not feed"))
    open = widths .> tolerance
    channels[:, open] .* sqrt.(widths[open])'
end

"Matrices one after the other in the library's order."
row_major(matrices) = reduce(vcat, [vec(permutedims(m)) for m in matrices])

"The common pattern of sparse matrices, both triangles, counted from 0, and the values of each."
function entries(matrices)
    n = size(first(matrices), 1)
    all(size(m) == (n, n) for m in matrices) ||
        throw(ArgumentError("hamiltonian: sizes $(unique(size.(matrices))); give square matrices of one size"))
    places = Set{Tuple{Int,Int}}()
    for m in matrices, at in findall(!iszero, m) # quick for sparse matrices too
        push!(places, (at[1], at[2]), (at[2], at[1]))
    end
    pattern = sort!(collect(places))
    first.(pattern) .- 1, last.(pattern) .- 1, [ComplexF64[m[i, j] for (i, j) in pattern] for m in matrices]
end

"The device that a handle names."
function Device(h::Handle)
    sizes = [Ref{Int64}(0) for _ in 1:4]
    a, b, c, e = sizes
    check(@ccall libmcd.mcd_system_shape(h::UInt64, a::Ptr{Int64}, b::Ptr{Int64}, c::Ptr{Int64}, e::Ptr{Int64})::Cint)
    energies = Vector{Float64}(undef, c[])
    check(@ccall libmcd.mcd_system_energies(h::UInt64, energies::Ptr{Float64}, length(energies)::Csize_t)::Cint)
    orbitals = Ref{Int64}(0)
    touched(i) = growing(Int64, (o, n, m) -> @ccall libmcd.mcd_system_lead(h::UInt64, i::Int64, orbitals::Ptr{Int64},
        o::Ptr{Int64}, n::Csize_t, m::Ptr{Csize_t})::Cint)
    Device(h, a[], energies, [touched(i) .+ 1 for i in 0:e[]-1])
end

Base.propertynames(::Device) = (:orbitals, :energies, :interfaces, :positions, :backend)

function Base.getproperty(d::Device, name::Symbol)
    name in fieldnames(Device) && return getfield(d, name)
    h = getfield(d, :handle)
    name === :backend && return text((o, n, m) ->
        @ccall libmcd.mcd_system_backend(h::UInt64, o::Ptr{UInt8}, n::Csize_t, m::Ptr{Csize_t})::Cint)
    if name === :positions
        dimensions = Ref{Int64}(0)
        x = growing(Float64, (o, n, m) ->
            @ccall libmcd.mcd_system_positions(h::UInt64, o::Ptr{Float64}, n::Csize_t, m::Ptr{Csize_t}, dimensions::Ptr{Int64})::Cint)
        return isempty(x) ? nothing : reshape(x, Int(dimensions[]), :)
    end
    throw(ArgumentError("Device has no property $name; it has $(join(propertynames(d), ", "))"))
end

Base.size(d::Device) = (d.orbitals,)
Base.length(d::Device) = length(d.energies)
Base.show(io::IO, d::Device) =
    print(io, "Device of ", d.orbitals, " orbitals, ", length(d.interfaces), " leads, ", length(d), " points")

quick(d::Device) = length(d) * (d.orbitals + mapreduce(i -> length(i)^2, +, d.interfaces; init=0)) < 2000
cancel(d::Device) = @ccall libmcd.mcd_system_cancel(d.handle::UInt64)::Cint

"The library's number of a lead, of a point: it would count from 0 in its message."
index(k, count, name) = k isa Integer && 1 <= k <= count ? Int64(k) - 1 :
                        throw(ArgumentError("$name: $(repr(k)); give a number from 1 to $count"))
lead_of(d::Device, k, name="lead") = index(k, length(d.interfaces), name)
point_of(d::Device, k) = index(k, length(d), "point")
pair_of(d::Device, to, from) = Int64[lead_of(d, to, "to"), lead_of(d, from, "from")]

added(d::Device, onsite) = onsite === nothing ? Float64[] : memory(onsite, (d.orbitals,), "onsite")
pointer_of(a) = isempty(a) ? Ptr{Float64}(0) : a

"Open modes of every lead, `[point, lead]`."
function open_modes(d::Device)
    modes = Matrix{Int64}(undef, length(d.interfaces), length(d))
    compute(d, :mcd_system_open_modes, modes, length(modes))
    permutedims(modes)
end

"""
    transmission(device, to, from[, onsite])

Transmission of every point from lead `from` to lead `to`; the reflection where they are equal.
"""
function transmission(d::Device, to::Integer, from::Integer, onsite=nothing)
    g, h = Vector{Float64}(undef, length(d)), added(d, onsite)
    compute(d, :mcd_system_transmission, pair_of(d, to, from), 2, pointer_of(h), length(h), g, length(g))
    g
end

"Transmissions between all leads, `[point, to, from]`, reflections on the diagonal."
function transmission_matrix(d::Device, onsite=nothing)
    leads, h = length(d.interfaces), added(d, onsite)
    t = Array{Float64}(undef, leads, leads, length(d))
    compute(d, :mcd_system_transmission_matrix, pointer_of(h), length(h), t, length(t))
    PermutedDimsArray(t, (3, 2, 1))
end

"""
    jacobian(device, to, from[, onsite]) -> T, J

Transmission and its exact derivative by every on-site energy, `J[point, orbital]`.
"""
function jacobian(d::Device, to::Integer, from::Integer, onsite=nothing)
    g, h = Vector{Float64}(undef, length(d)), added(d, onsite)
    j = Matrix{Float64}(undef, d.orbitals, length(d))
    compute(d, :mcd_system_jacobian, pair_of(d, to, from), 2, pointer_of(h), length(h), g, length(g), j, length(j))
    g, PermutedDimsArray(j, (2, 1))
end

"""
    vjp(device, to, from[, weights, onsite]) -> T, gradient

Transmission and Σ_k weights[k] · ∂T[k]/∂onsite at the price of one gradient; weights are ones by default.
"""
function vjp(d::Device, to::Integer, from::Integer, weights=nothing, onsite=nothing)
    g, gradient, h = Vector{Float64}(undef, length(d)), Vector{Float64}(undef, d.orbitals), added(d, onsite)
    w = weights === nothing ? Float64[] : memory(weights, (length(d),), "weights")
    compute(d, :mcd_system_vjp, pair_of(d, to, from), 2, pointer_of(h), length(h), pointer_of(w), length(w), g, length(g),
            gradient, length(gradient))
    g, gradient
end

"Scattering matrix of one point, `[outgoing, incoming]`, the modes of lead 1 first. Unitary."
function smatrix(d::Device, point::Integer, onsite=nothing)
    h = added(d, onsite)
    at = point_of(d, point)
    n = sum(open_modes(d)[point, :])
    s, needed = Matrix{ComplexF64}(undef, n, n), Ref{Csize_t}(0)
    compute(d, :mcd_system_smatrix, pointer_of(h), length(h), at, s, 2length(s), needed)
    permutedims(s)
end

"""
    ldos(device, point[, onsite])
    ldos(device)

Local density of states of every orbital at one point; or of all, `[point, orbital]`.
"""
function ldos(d::Device, point::Integer, onsite=nothing)
    rho, h = Vector{Float64}(undef, d.orbitals), added(d, onsite)
    compute(d, :mcd_system_ldos, pointer_of(h), length(h), Int64[point_of(d, point)], 1, rho, length(rho))
    rho
end
function ldos(d::Device, onsite::Union{AbstractVector,Nothing}=nothing)
    rho, h = Matrix{Float64}(undef, d.orbitals, length(d)), added(d, onsite)
    compute(d, :mcd_system_ldos, pointer_of(h), length(h), Ptr{Int64}(0), 0, rho, length(rho))
    PermutedDimsArray(rho, (2, 1))
end

"C with I = C V for the currents into the device and the voltages of all leads, `[point, lead, lead]`, e²/h."
function conductance_matrix(d::Device, onsite=nothing)
    c = -transmission_matrix(d, onsite)
    for (p, modes) in enumerate(eachrow(open_modes(d))), (i, n) in enumerate(modes)
        c[p, i, i] += n
    end
    c
end

"""
    circuit(device, voltages[, currents, onsite]) -> voltages, currents

Voltages and currents of all leads, `[point, lead]` each, in units with I = (e²/h) C V (Büttiker). `voltages` and `currents` (into
the device) are dictionaries by lead; leads in neither are probes, through which no net current flows. NaN where a voltage is not
defined, as that of a probe without open modes.
"""
circuit(d::Device, voltages, currents=Dict(), onsite=nothing) = solve_circuit(d, conductance_matrix(d, onsite), voltages, currents)

function solve_circuit(d::Device, c, voltages, currents)
    foreach(k -> lead_of(d, k, "voltages"), keys(voltages))
    foreach(k -> lead_of(d, k, "currents"), keys(currents))
    isempty(voltages) && throw(ArgumentError("voltages: empty; give the voltage of one lead at least"))
    both = intersect(keys(voltages), keys(currents))
    isempty(both) || throw(ArgumentError("currents: lead $(first(both)) has a voltage already; give one of both"))
    known, n = sort!(collect(keys(voltages))), length(d.interfaces)
    free = setdiff(1:n, known)
    volts, flows = fill(NaN, length(d), n), Matrix{Float64}(undef, length(d), n)
    given, driven = Float64[voltages[k] for k in known], Float64[get(currents, k, 0) for k in free]
    for p in 1:length(d)
        matrix = Matrix{Float64}(c[p, :, :])
        volts[p, known] = given
        reduced = matrix[free, free]
        isempty(free) || !(cond(reduced) < 1 / eps()) || (volts[p, free] = reduced \ (driven - matrix[free, known] * given))
        flows[p, :] = matrix * volts[p, :]
    end
    volts, flows
end

"""
    resistance(device, source, drain, plus, minus[, onsite])

Four-terminal resistance (V_plus − V_minus)/I of every point for a current from lead `source` to lead `drain`, h/e²; all other
leads are voltage probes. NaN where voltages are not defined.
"""
resistance(d::Device, source::Integer, drain::Integer, plus::Integer, minus::Integer, onsite=nothing) =
    four_terminals(d, conductance_matrix(d, onsite), source, drain, plus, minus)[1]

function four_terminals(d::Device, c, source, drain, plus, minus)
    foreach(((k, name),) -> lead_of(d, k, name), ((source, "source"), (drain, "drain"), (plus, "plus"), (minus, "minus")))
    source == drain && throw(ArgumentError("drain: $drain is the source; give another lead"))
    volts, _ = solve_circuit(d, c, Dict(drain => 0.0), Dict(source => 1.0))
    volts[:, plus] - volts[:, minus], volts
end

"""
    resistance_jacobian(device, source, drain, plus, minus[, onsite]) -> R, J

The four-terminal resistance and its derivatives by the on-site energies, `J[point, orbital]`.
"""
function resistance_jacobian(d::Device, source::Integer, drain::Integer, plus::Integer, minus::Integer, onsite=nothing)
    c, n = conductance_matrix(d, onsite), length(d.interfaces)
    r, volts = four_terminals(d, c, source, drain, plus, minus)
    # With V of the unit current and w those that the transposed matrix has for a current from plus to minus, dR = Σ w_i dT_ij V_j.
    others, weights = setdiff(1:n, drain), zeros(length(d), n, n)
    unit = Float64.(others .== plus) - Float64.(others .== minus)
    for p in findall(!isnan, r)
        w = zeros(n)
        w[others] = Matrix{Float64}(c[p, others, others])' \ unit
        weights[p, :, :] = w * volts[p, :]'
    end
    j = Matrix{Float64}(combined_jacobian(d, weights, onsite))
    j[isnan.(r), :] .= NaN
    r, j
end

"""
    transmission_eigenvalues(device, to, from, point[, onsite])

Eigenvalues of t†t from lead `from` to lead `to` at one point, descending.
"""
function transmission_eigenvalues(d::Device, to::Integer, from::Integer, point::Integer, onsite=nothing)
    (i, j), s = pair_of(d, to, from), smatrix(d, point, onsite)
    edge = cumsum([0; open_modes(d)[point, :]])
    svdvals(s[edge[i+1]+1:edge[i+2], edge[j+1]+1:edge[j+2]]) .^ 2
end

"    fano(device, to, from[, onsite])\n\nFano factor of shot noise of every point, NaN where nothing is transmitted."
function fano(d::Device, to::Integer, from::Integer, onsite=nothing)
    g, power = noise(d, to, from, onsite)
    map((g, s) -> g > 0 ? s / g : NaN, g, power)
end

"    jvp(device, to, from, direction[, onsite]) -> T, dT\n\nTransmission and its derivative along a direction of on-site energies."
function jvp(d::Device, to::Integer, from::Integer, direction, onsite=nothing)
    g, j = jacobian(d, to, from, onsite)
    g, j * memory(direction, (d.orbitals,), "direction")
end

"""
    noise(device, to, from[, onsite]) -> T, noise

Transmission and shot noise Σ T_n(1 − T_n) of every point; their ratio is the Fano factor.
"""
function noise(d::Device, to::Integer, from::Integer, onsite=nothing)
    g, power, h = Vector{Float64}(undef, length(d)), Vector{Float64}(undef, length(d)), added(d, onsite)
    compute(d, :mcd_system_noise, pair_of(d, to, from), 2, pointer_of(h), length(h), g, length(g), power, length(power))
    g, power
end

"""
    combined_jacobian(device, weights[, onsite])

Σ_ij weights[:, i, j] · ∂T_ij/∂onsite, `[point, orbital]`, for weights `[point, to, from]`: the derivatives of any function of the
transmissions, with its partial derivatives as weights.
"""
function combined_jacobian(d::Device, weights::AbstractArray{<:Real,3}, onsite=nothing)
    leads, h = length(d.interfaces), added(d, onsite)
    size(weights) == (length(d), leads, leads) ||
        throw(ArgumentError("weights: size $(size(weights)); give size $((length(d), leads, leads))"))
    pairs = [Int64(k) for to in 0:leads-1 for from in 0:leads-1 for k in (to, from)]
    w = Float64[weights[p, to, from] for p in 1:length(d), from in 1:leads, to in 1:leads]
    g, j = similar(w), Matrix{Float64}(undef, d.orbitals, length(d))
    compute(d, :mcd_system_combined_jacobian, pairs, length(pairs), pointer_of(h), length(h), w, length(w), g, length(g), j,
            length(j))
    PermutedDimsArray(j, (2, 1))
end

"Rows and columns of the entries of the Hamiltonians."
function pattern(d::Device)
    h, sizes = d.handle, zeros(Int64, 4)
    GC.@preserve h sizes begin
        at = pointer(sizes)
        check(@ccall libmcd.mcd_system_shape(h::UInt64, at::Ptr{Int64}, (at + 8)::Ptr{Int64}, (at + 16)::Ptr{Int64},
                                             (at + 24)::Ptr{Int64})::Cint)
        rows, cols = Vector{Int64}(undef, sizes[2]), Vector{Int64}(undef, sizes[2])
        check(@ccall libmcd.mcd_system_pattern(h::UInt64, rows::Ptr{Int64}, length(rows)::Csize_t, cols::Ptr{Int64},
                                               length(cols)::Csize_t)::Cint)
    end
    rows .+ 1, cols .+ 1
end

"""
    hopping_jacobian(device, to, from, hoppings[, onsite]) -> T, J

Transmission and its derivatives by the hoppings (i, j), H_ji tied to the conjugate of H_ij: the real part of `J[point, hopping]`
is ∂T/∂Re H_ij, the imaginary part ∂T/∂Im H_ij.
"""
function hopping_jacobian(d::Device, to::Integer, from::Integer, hoppings, onsite=nothing)
    bonds = Int64[index(k, d.orbitals, "hoppings") for bond in hoppings for k in bond]
    g, h = Vector{Float64}(undef, length(d)), added(d, onsite)
    j = Matrix{ComplexF64}(undef, length(bonds) ÷ 2, length(d))
    compute(d, :mcd_system_hopping_jacobian, pair_of(d, to, from), 2, bonds, length(bonds), pointer_of(h), length(h), g, length(g),
            j, 2length(j))
    g, PermutedDimsArray(j, (2, 1))
end

"""
    hamiltonian_vjp(device, to, from[, weights, onsite]) -> T, D

Transmission and D, `[point, entry]` over the entries of `pattern`: a change dH changes Σ weights · T by Re Σ D · dH.
"""
function hamiltonian_vjp(d::Device, to::Integer, from::Integer, weights=nothing, onsite=nothing)
    g, h = Vector{Float64}(undef, length(d)), added(d, onsite)
    w = weights === nothing ? Float64[] : memory(weights, (length(d),), "weights")
    gradient = Matrix{ComplexF64}(undef, length(pattern(d)[1]), length(d))
    compute(d, :mcd_system_hamiltonian_vjp, pair_of(d, to, from), 2, pointer_of(h), length(h), pointer_of(w), length(w), g,
            length(g), gradient, 2length(gradient))
    g, PermutedDimsArray(gradient, (2, 1))
end

"""
    derivative(device, to, from[, onsite]; hamiltonian=nothing, energy=nothing, leads=nothing) -> T, dT

Transmission and its derivative by one parameter p: `hamiltonian` is dH/dp over the entries of `pattern`, `[point, entry]`;
`energy` is dE/dp, a number or one for every point; `leads` has (dcell, dhopping), matrices or vectors of one for every point, for
every lead.
"""
function derivative(d::Device, to::Integer, from::Integer, onsite=nothing; hamiltonian=nothing, energy=nothing, leads=nothing)
    g, dg, h = Vector{Float64}(undef, length(d)), Vector{Float64}(undef, length(d)), added(d, onsite)
    values = hamiltonian === nothing ? ComplexF64[] : Matrix{ComplexF64}(permutedims(hamiltonian))
    energies = energy === nothing ? Float64[] : energy isa Real ? fill(Float64(energy), length(d)) : Vector{Float64}(energy)
    every(m) = m isa AbstractMatrix ? [m for _ in 1:length(d)] : m
    changes = leads === nothing ? ComplexF64[] :
              ComplexF64[z for (cell, hopping) in leads for pair in zip(every(cell), every(hopping)) for m in pair for z in permutedims(m)]
    compute(d, :mcd_system_derivative, pair_of(d, to, from), 2, pointer_of(h), length(h), pointer_of(values), 2length(values),
            pointer_of(energies), length(energies), pointer_of(changes), 2length(changes), g, length(g), dg, length(dg))
    g, dg
end

"Calls a getter of a complex matrix of the given size."
function complex_matrix(d::Device, name::Symbol, rows::Integer, columns::Integer, arguments...)
    m, needed = Matrix{ComplexF64}(undef, columns, rows), Ref{Csize_t}(0)
    compute(d, name, arguments..., m, 2length(m), needed)
    permutedims(m)
end

"Retarded Green's function of one point between the interfaces of two leads."
function greens_function(d::Device, to::Integer, from::Integer, point::Integer, onsite=nothing)
    h = added(d, onsite)
    (i, j), at = pair_of(d, to, from), point_of(d, point)
    complex_matrix(d, :mcd_system_green, length(d.interfaces[to]), length(d.interfaces[from]), pointer_of(h), length(h), at, i, j)
end

"States of unit flux that the modes of a lead send into the device at one point, `[mode, orbital]`."
function wave_function(d::Device, from::Integer, point::Integer, onsite=nothing)
    h = added(d, onsite)
    at, lead = point_of(d, point), lead_of(d, from, "from")
    complex_matrix(d, :mcd_system_wave_function, open_modes(d)[point, from], d.orbitals, pointer_of(h), length(h), at, lead)
end

"Currents from orbital `cols[k]` to `rows[k]` of `pattern` in the states that a lead sends in at one point."
function currents(d::Device, from::Integer, point::Integer, onsite=nothing)
    flow, h = Vector{Float64}(undef, length(pattern(d)[1])), added(d, onsite)
    compute(d, :mcd_system_currents, pointer_of(h), length(h), point_of(d, point), lead_of(d, from, "from"), flow, length(flow))
    flow
end
