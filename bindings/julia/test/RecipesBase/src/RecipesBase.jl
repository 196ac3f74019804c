"The names of RecipesBase.jl that MCD's recipe uses, for its test."
module RecipesBase

function apply_recipe end

struct RecipeData
    plotattributes::AbstractDict{Symbol,Any}
    args::Tuple
end

end
