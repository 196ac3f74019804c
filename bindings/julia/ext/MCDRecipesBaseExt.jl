"""
Plots.jl draws a `Result` as curve, potential and history, `plot(result)`; a `Feasibility`, `plot(feasibility(wire, target))`; and a
`Device`, `plot(device, ldos(device, 1))`: see `MCD.plot_series`.
"""
module MCDRecipesBaseExt

import MCD, RecipesBase

# What RecipesBase's own macro would define; given options stand unless a series insists on its own.
drawn(attributes, series) = map(series) do s
    RecipesBase.RecipeData(merge!(copy(attributes), Dict{Symbol,Any}(pairs(s.attributes))), s.data)
end

function RecipesBase.apply_recipe(attributes::AbstractDict{Symbol,Any}, result::MCD.Result)
    get!(attributes, :size, (1100, 320))
    attributes[:layout] = (1, 3)
    drawn(attributes, MCD.plot_series(result))
end

RecipesBase.apply_recipe(attributes::AbstractDict{Symbol,Any}, of::Union{MCD.Feasibility,MCD.Device}, more...) =
    drawn(attributes, MCD.plot_series(of, more...))

end
