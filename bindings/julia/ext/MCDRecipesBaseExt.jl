"Plots.jl draws a `Result` as curve, potential and history: `plot(result)`."
module MCDRecipesBaseExt

using RecipesBase
import MCD

@recipe function f(result::MCD.Result)
    wire = result.problem.wire
    order = sortperm(wire.fields)
    layout := (1, 3)
    size --> (1100, 320)
    @series begin
        subplot := 1
        label := "target"
        seriestype := :scatter
        wire.fields[order], result.problem.target[order]
    end
    @series begin
        subplot := 1
        label := "open modes"
        seriestype := :steppre
        wire.fields[order], MCD.open_modes(wire)[order]
    end
    @series begin
        subplot := 1
        label := "found"
        xguide := "field φ = πBa²/φ₀"
        yguide := "conductance G (e²/h)"
        wire.fields[order], result.conductance[order]
    end
    @series begin
        subplot := 2
        seriestype := :heatmap
        xguide := "x (a)"
        yguide := "y (a)"
        title := "on-site energy (t)"
        aspect_ratio := :equal
        0:Base.size(wire)[1]-1, 0:Base.size(wire)[2]-1, permutedims(result.onsite)
    end
    @series begin
        subplot := 3
        label := "objective"
        xguide := "evaluations"
        yguide := "L"
        result.history["evaluations"], result.history["objective"]
    end
end

end
