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
memory(v::SiteArray{Float64}, size, name) = sized(v, size, name).parent
memory(v::SiteArrays{Float64}, size, name) = sized(v, size, name).parent
memory(v::Transpose{Float64,Matrix{Float64}}, size, name) = sized(v, size, name).parent
memory(v::Adjoint{Float64,Matrix{Float64}}, size, name) = sized(v, size, name).parent
memory(v::Vector{Float64}, size, name) = sized(v, size, name)
memory(v::AbstractVector{<:Real}, size, name) = Vector{Float64}(sized(v, size, name))
memory(v::AbstractArray{<:Real}, size, name) = rearranged(v, size, name)
memory(v::Real, size, name) = fill(Float64(v), reverse(size))
memory(v, size, name) = throw(ArgumentError("$name: $(summary(v)); give real numbers of size $size"))

rearranged(v, size, name) = Array{Float64}(permutedims(sized(v, size, name), ntuple(i -> ndims(v) + 1 - i, ndims(v))))

"v, if it has the size, whose `:` stand for any extent."
function sized(v::AbstractArray, size, name)
    ndims(v) == length(size) && all(want === Colon() || want == have for (want, have) in zip(size, Base.size(v))) ||
        throw(ArgumentError("$name: size $(Base.size(v)); give size $(replace(string(size), "Colon()" => "n"))"))
    v
end

"The memory of an array of the library's layout."
raw(v::Array) = v
raw(v) = v.parent

"Output arrays must be in the library's order, since they are written in place."
function output(v, size, name)
    v isa Union{SiteArray{Float64},SiteArrays{Float64},Vector{Float64}} || throw(ArgumentError(
        "$name: $(summary(v)) is not laid out as the library writes it; take an array that MCD has made, see onsite_array"))
    memory(v, size, name)
end
