# What Plots.jl draws: series of `data` (a tuple of arrays) with `attributes` in its words.

const FIELD, CONDUCTANCE = "field φ = πBa²/φ₀", "conductance G (e²/h)"

"""
    MCD.plot_series(result)

What there is to draw of a result: target and curves found in the first subplot, with open modes of a wire; the potential in the
second, of a device at its positions; the history of the objective in the third.
"""
function plot_series(r::Result)
    [curves(r, r.problem.wire)...; potential(r, r.problem.wire)...;
     (data = (r.history["evaluations"], r.history["objective"]),
      attributes = (subplot = 3, label = "objective", xguide = "evaluations", yguide = "L"))]
end

function curves(r::Result, wire::Wire)
    order = sortperm(wire.fields)
    curve(values; options...) = (data = (wire.fields[order], values[order]), attributes = (; subplot = 1, options...))
    [curve(r.problem.target; label = "target", seriestype = :scatter),
     curve(open_modes(wire); label = "open modes", seriestype = :steppre),
     curve(r.conductance; label = "found", xguide = FIELD, yguide = CONDUCTANCE)]
end

function curves(r::Result, device::Device)
    target, found = r.problem.target, r.conductance
    series(values, c; options...) = (data = (1:length(device), values[:, c]), attributes = (; subplot = 1, options...))
    [s for (c, (to, from)) in enumerate(r.problem.curves) for s in (
        series(target, c; label = "target $from → $to", seriestype = :scatter),
        series(found, c; label = "found $from → $to", xguide = "point", yguide = "transmission"))]
end

function potential(r::Result, wire::Wire)
    length, width = size(wire)
    [(data = (0:length-1, 0:width-1, permutedims(r.onsite)),
      attributes = (subplot = 2, seriestype = :heatmap, xguide = "x (a)", yguide = "y (a)", title = "on-site energy (t)",
                    aspect_ratio = :equal))]
end

function potential(r::Result, device::Device)
    r.problem.parametrization == "directions" &&
        return [(data = (r.vector,), attributes = (subplot = 2, seriestype = :bar, label = "coefficients", xguide = "direction"))]
    at = device.positions
    at === nothing && return [(data = (1:device.orbitals, r.onsite), attributes = (subplot = 2, xguide = "orbital", label = "on-site energy"))]
    y = size(at, 1) > 1 ? at[2, :] : zeros(device.orbitals)
    [(data = (at[1, :], y), attributes = (subplot = 2, seriestype = :scatter, marker_z = r.onsite, markerstrokewidth = 0, label = "",
                                          xguide = "x", yguide = "y", title = "on-site energy", aspect_ratio = :equal))]
end

"""
    MCD.plot_series(feasibility[, nearest])

The target with the open modes, what of it is out of reach and what is too sharp, and perhaps a curve near it, such as
`nearest_feasible` of the target.
"""
function plot_series(f::Feasibility, nearest=nothing)
    order = sortperm(f.fields)
    fields, target, excess = f.fields[order], f.target[order], f.excess[order]
    curve(values; options...) = (data = (fields, values), attributes = (; options...))
    series = Any[curve(f.ceiling[order]; label = "open modes", seriestype = :steppre)]
    any(!=(0), excess) && push!(series, curve(target; label = "out of reach", linewidth = 0, fillrange = target - excess,
                                              fillalpha = 0.35, fillcolor = :red))
    edges = diff([false; f.narrow[order]; false])
    spans = [fields[[i, j - 1]] for (i, j) in zip(findall(==(1), edges), findall(==(-1), edges))]
    isempty(spans) || push!(series, (data = (reduce(vcat, spans),), attributes = (
        label = "too sharp", seriestype = :vspan, fillalpha = 0.35, fillcolor = :yellow, linewidth = 0)))
    nearest === nothing || push!(series, curve(memory(nearest, size(target), "nearest")[order]; label = "nearest feasible"))
    push!(series, curve(target; label = "target", seriestype = :scatter, xguide = FIELD, yguide = CONDUCTANCE))
end

"""
    MCD.plot_series(device[, values[, bonds]])

A device's sites at their positions with its bonds, and its leads outlined. `values` of the orbitals, such as `ldos(device, 1)` or
a row of a Jacobian, colour the sites and add up over the orbitals of one; `bonds`, a quantity of the entries of `pattern`, such as
`currents`, colour the bonds, by its size if it changes sign with the direction. `nothing` stands for either.
"""
function plot_series(d::Device, values=nothing, bonds=nothing)
    d.positions === nothing && throw(ArgumentError("positions: not known; give them to Device to draw it"))
    at, site = sites(d)
    attributes = (label = "", xguide = "x", yguide = "y", aspect_ratio = :equal)
    points(which; options...) = (data = (first.(at[which]), last.(at[which])),
                                 attributes = (; seriestype = :scatter, attributes..., options...))
    joined, shares = bonds_of(d, site, bonds)
    ends = [at[s] for pair in joined for s in (pair..., pair[1])] # the third is left out of the line
    ends[3:3:end] .= ((NaN, NaN),)
    lines = (data = (first.(ends), last.(ends)), attributes = (; seriestype = :path, attributes..., (
        shares === nothing ? (linecolor = :lightgrey,) : (line_z = repeat(shares, inner=3), linewidth = 2))...))
    total = zeros(length(at))
    values === nothing || foreach((s, v) -> total[s] += v, site, memory(values, (d.orbitals,), "values"))
    look = values === nothing ? (markercolor = shares === nothing ? :steelblue : :lightgrey,) : (marker_z = total,)
    leads = [points(unique(site[interface]); markeralpha = 0, markerstrokealpha = 1, label = "lead $k")
             for (k, interface) in enumerate(d.interfaces)]
    [lines; points(1:length(at); markerstrokewidth = 0, look...); leads]
end

"The places (x, y) of a device's sites, and the site of every orbital."
function sites(d::Device)
    places = [(d.positions[1, i], size(d.positions, 1) > 1 ? d.positions[2, i] : 0.0) for i in 1:d.orbitals]
    at = unique(places)
    number = Dict(place => s for (s, place) in enumerate(at))
    at, [number[place] for place in places]
end

"Pairs of sites that are joined, and what a quantity of the entries of `pattern` is on them."
function bonds_of(d::Device, site, quantity)
    given = quantity === nothing ? nothing : memory(quantity, (length(pattern(d)[1]),), "bonds")
    both = Dict{Tuple{Int,Int},Vector{Float64}}() # forth and back
    for (e, (row, column)) in enumerate(zip(pattern(d)...))
        to, from = site[row], site[column]
        to == from && continue
        sums = get!(() -> zeros(2), both, minmax(to, from))
        given === nothing || (sums[to < from ? 1 : 2] += given[e])
    end
    joined = sort!(collect(keys(both)))
    given === nothing && return joined, nothing
    forth, back = ([both[pair][k] for pair in joined] for k in 1:2)
    flows = norm(forth + back, Inf) <= 1e-9 * norm(forth, Inf)
    joined, flows ? abs.(forth) : (forth + back) / 2
end
