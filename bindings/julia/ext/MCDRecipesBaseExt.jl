"Plots.jl draws a `Result` as curve, potential and history: `plot(result)`."
module MCDRecipesBaseExt

import MCD, RecipesBase

# What RecipesBase's own macro would define; given options stand unless a series insists on its own.
function RecipesBase.apply_recipe(attributes::AbstractDict{Symbol,Any}, result::MCD.Result)
    get!(attributes, :size, (1100, 320))
    attributes[:layout] = (1, 3)
    map(MCD.plot_series(result)) do series
        RecipesBase.RecipeData(merge!(copy(attributes), Dict{Symbol,Any}(pairs(series.attributes))), series.data)
    end
end

end
