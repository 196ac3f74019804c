# Arrays in the library's order: over sites y is contiguous, so that memory is a Matrix of size (width, length).

"An array over the sites, `[x, y]`, of size (length, width), in the library's order."
const SiteArray{T} = PermutedDimsArray{T,2,(2, 1),(2, 1),Matrix{T}}

"An array of several of them, `[k, x, y]`, of size (count, length, width)."
const SiteArrays{T} = PermutedDimsArray{T,3,(3, 2, 1),(3, 2, 1),Array{T,3}}

site_array(memory::Matrix{T}) where {T} = PermutedDimsArray(memory, (2, 1))::SiteArray{T}
site_arrays(memory::Array{T,3}) where {T} = PermutedDimsArray(memory, (3, 2, 1))::SiteArrays{T}

new_sites(T, (length, width)) = site_array(Matrix{T}(undef, width, length))
new_sites(T, count, (length, width)) = site_arrays(Array{T,3}(undef, width, length, count))

# memory(values, size, name): values of the given size as an Array in the library's order; itself if it is one already, a copy
# if not.
memory(v, size, name) = finite(in_order(v, size, name), v, name)

in_order(v::SiteArray{Float64}, size, name) = sized(v, size, name).parent
in_order(v::SiteArrays{Float64}, size, name) = sized(v, size, name).parent
in_order(v::Transpose{Float64,Matrix{Float64}}, size, name) = sized(v, size, name).parent
in_order(v::Adjoint{Float64,Matrix{Float64}}, size, name) = sized(v, size, name).parent
in_order(v::Vector{Float64}, size, name) = sized(v, size, name)
in_order(v::AbstractVector{<:Real}, size, name) = Vector{Float64}(sized(v, size, name))
in_order(v::AbstractArray{<:Real}, size, name) =
    Array{Float64}(permutedims(sized(v, size, name), ntuple(i -> ndims(v) + 1 - i, ndims(v))))
in_order(v::Real, size, name) = fill(Float64(v), reverse(size))
in_order(v, size, name) = throw(ArgumentError("$name: $(summary(v)); give real numbers of size $(extents(size))"))

"The library would count from 0 in its message."
function finite(memory, v, name)
    all(isfinite, memory) && return memory
    v isa Real && throw(ArgumentError("$name: $v; give a finite number"))
    at = findfirst(!isfinite, v)
    throw(ArgumentError("$name: $(v[at]) at [$(join(Tuple(at), ", "))]; give finite numbers"))
end

"v, if it has the size, whose `:` stand for any extent."
function sized(v::AbstractArray, size, name)
    ndims(v) == length(size) && all(want === Colon() || want == have for (want, have) in zip(size, Base.size(v))) ||
        throw(ArgumentError("$name: size $(Base.size(v)); give size $(extents(size))"))
    v
end
extents(size) = replace(string(size), "Colon()" => "n")

"n as a whole number that a library's integer holds."
whole(n, name) = n isa Real && isinteger(n) && typemin(Int64) <= n <= typemax(Int64) ? Int64(n) :
                 throw(ArgumentError("$name: $(repr(n)); give a whole number"))

"x as a number of the library."
real_number(x, name) = x isa Real ? Float64(x) : throw(ArgumentError("$name: $(repr(x)); give a number"))

"One number for each of n, from one for all or one for each."
each(v, n, name) = v isa AbstractVector ? collect(sized(v, (n,), name)) : fill(v, n)

"The memory of an array of the library's layout."
raw(v::Array) = v
raw(v) = v.parent

"Output arrays must be in the library's order, since they are written in place."
function output(v, size, name)
    v isa Union{SiteArray{Float64},SiteArrays{Float64},Vector{Float64}} || throw(ArgumentError(
        "$name: $(summary(v)) is not laid out as the library writes it; take an array that MCD has made, see onsite_array"))
    in_order(v, size, name)
end
