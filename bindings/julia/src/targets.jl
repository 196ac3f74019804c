# Target curves from what a user holds: measured points, files, pictures.

"""
    read_curve(path; fields=nothing, lattice_constant=nothing) -> (fields, target)
    read_curve(fields, G; ...)

A target curve, as it is or at other fields. A file is text with a field and a G in e²/h in every line, separated by commas,
semicolons or blanks; lines that do not begin with a number are left out.

The curve comes at its own fields, in increasing order, or at the `fields` asked for, interpolated linearly between the nearest
points; a curve given at fields of one sign only is continued by G(−φ) = G(φ). With a `lattice_constant` in metres, the fields of
the source are in tesla.
"""
read_curve(path::AbstractString; options...) = read_curve(columns(path)...; options...)

function read_curve(given, target; fields=nothing, lattice_constant=nothing)
    given = memory(collect(given), (:,), "source")
    target = memory(collect(target), (length(given),), "source")
    order = sortperm(given)
    given, target = given[order], target[order]
    twice = findfirst(==(0), diff(given))
    twice === nothing || throw(ArgumentError("source: field $(given[twice]) twice; give every field once"))
    lattice_constant === nothing || (given = dimensionless_field.(given, real_number(lattice_constant, "lattice_constant")))
    fields === nothing && return (fields = given, target = target)
    wanted = memory(collect(fields), (:,), "fields")
    at = wanted
    if given[1] >= 0 || given[end] <= 0 # one sign only
        order = sortperm(abs.(given))
        at, given, target = abs.(wanted), abs.(given)[order], target[order]
    end
    slack = 1e-9 * maximum(abs, given)
    all(given[1] - slack .<= at .<= given[end] + slack) || throw(ArgumentError(string("fields: ", join(extrema(wanted), " to "),
        ", but the curve is known from ", given[1], " to ", given[end], " only; give fields inside")))
    (fields = wanted, target = [interpolated(given, target, x) for x in at])
end

"y at x between points of increasing xs, constant beyond them."
function interpolated(xs, ys, x)
    i = searchsortedlast(xs, x)
    i == 0 && return ys[1]
    i == length(xs) && return ys[end]
    ys[i] + (ys[i+1] - ys[i]) * ((x - xs[i]) / (xs[i+1] - xs[i]))
end

"The first two numbers of every line of a file that begins with a number."
function columns(path)
    content = try
        read(path, String)
    catch e
        throw(FileError("source: $path cannot be read as text ($(sprint(showerror, e))); give a CSV file"))
    end
    isvalid(content) || throw(FileError("source: $path cannot be read as text; give a CSV file"))
    given, target = Float64[], Float64[]
    for (number, line) in enumerate(eachline(IOBuffer(content)))
        words = split(replace(line, r"[,;\ufeff]" => ' '))
        field = isempty(words) ? nothing : tryparse(Float64, words[1])
        field === nothing && continue
        G = length(words) < 2 ? nothing : tryparse(Float64, words[2])
        G === nothing && throw(FileError("source: line $number has no second number; give a field and a G in every line"))
        push!(given, field)
        push!(target, G)
    end
    isempty(given) && throw(FileError("source: no line with two numbers; give a field and a G in every line"))
    given, target
end

"""
    trace(picture, fields; g_range=(0, 9.5), smoothing=6)

The upper edge of a dark silhouette on a bright ground as a target curve.

`picture[row, column]` holds grey values, from 0 to 1 (with Images.jl `Gray.(load("skyline.png"))`) or whole numbers from 0 to
255; its columns from left to right are the `fields` from first to last. Where these begin at 0 the curve is continued evenly to
negative fields, as G(−φ) = G(φ) demands. `g_range` are the G at the bottom and the top edge; `smoothing` is the standard deviation
in columns of the Gaussian that smooths the edge, 0 for none. Steps narrower than one flux quantum through the wire cannot be
followed.
"""
function trace(picture::AbstractMatrix, fields; g_range=(0, 9.5), smoothing=6)
    f = memory(collect(fields), (:,), "fields")
    length(f) > 1 && all(>(0), diff(f)) || throw(ArgumentError("fields: not increasing; give at least two increasing fields"))
    low, high = (real_number(g, "g_range") for g in g_range)
    rows, columns = size(picture)
    edge = [findfirst(dark, view(picture, :, c)) for c in 1:columns]
    height = smoothed([row === nothing ? 0.0 : rows + 1.0 - row for row in edge], real_number(smoothing, "smoothing"), f[1] == 0)
    column = [1 + (x - f[1]) / (f[end] - f[1]) * (columns - 1) for x in f]
    [low + (high - low) * interpolated(1:columns, height, x) / rows for x in column]
end

"Whether a pixel belongs to the silhouette."
dark(grey::Integer) = grey < 128
dark(grey) = Float64(grey) < 0.5

"""
Convolves with a normalised Gaussian cut at 4σ; on the right the last value continues, on the left the mirror image (without
repeating the first column) if even, else the first value.
"""
function smoothed(height, sigma, even)
    0 <= sigma < Inf || throw(ArgumentError("smoothing: $sigma; give a finite number from 0 up"))
    n, reach = length(height), floor(Int, 4sigma)
    value(i) = i > n ? height[n] : i >= 1 ? height[i] : even && reach < n ? height[2-i] : height[1]
    kernel = [exp(-(k / sigma)^2 / 2) for k in -reach:reach]
    reach == 0 ? height : [sum(kernel[reach+1+k] * value(i + k) for k in -reach:reach) for i in 1:n] / sum(kernel)
end
