using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Training;

// Pooling of maps, and of regions of maps.
internal sealed partial class Tape
{
    /// <summary>Maps in one array, each computed by a given function.</summary>
    /// <param name="shapes">The shapes of the maps, finest first.</param>
    /// <param name="fill">Computes the variable of a level in the memory that it is given.</param>
    public VariableMaps Maps(IReadOnlyList<Shape> shapes, Func<int, Tensor, Variable> fill)
    {
        var values = NewMaps(shapes);
        return new VariableMaps(values, [.. shapes.Select((_, l) => fill(l, values[l]))]);
    }

    /// <summary>Max pooling (see <see cref="Kernels.MaxPool"/>); a 1×1 window subsamples.</summary>
    /// <param name="x">The input, [N, H, W, C].</param>
    /// <param name="kernel">The side of the window, in px.</param>
    /// <param name="stride">The stride, in px.</param>
    /// <param name="padding">The padding, in px.</param>
    /// <param name="into">The memory for the output, or null to rent it.</param>
    public Variable MaxPool(Variable x, int kernel, int stride, int padding, Tensor? into = null)
    {
        var output = New(into ?? Tensor.Rent(device, Kernels.MaxPool.OutputShape(x.Shape, kernel, stride, padding)));
        Kernels.MaxPool.Run(device, x.Value, kernel, stride, padding, output.Value);
        if (!x.NeedsGradient)
            return output;
        Record(output, [x, output], gradient =>
            MaxPoolBackward.Run(device, x.Value, output.Value, gradient, kernel, stride, padding, x.GradientToAddTo()));
        return output;
    }

    /// <summary>The mean of every channel of every map (see <see cref="Kernels.GlobalAveragePool"/>).</summary>
    /// <param name="x">The input, [N, H, W, C].</param>
    /// <returns>The means, [N, 1, 1, C].</returns>
    public Variable GlobalAveragePool(Variable x)
    {
        var output = New(Tensor.Rent(device, new Shape(x.Shape.N, 1, 1, x.Shape.C)));
        Kernels.GlobalAveragePool.Run(device, x.Value, output.Value);
        if (x.NeedsGradient)
            Record(output, [], gradient => GlobalAveragePoolBackward.Run(device, gradient, x.GradientToAddTo()));
        return output;
    }

    /// <summary>Features of regions, pooled as configured from the levels that match their sizes.</summary>
    /// <param name="pyramid">The pyramid, [N, Hl, Wl, C].</param>
    /// <param name="regions">The regions.</param>
    /// <param name="bins">The side of the features, in bins.</param>
    /// <param name="settings">The pooling conventions.</param>
    /// <returns>The features, [R, bins, bins, C].</returns>
    public Variable RoiFeatures(VariableMaps pyramid, Regions regions, int bins, RoiSettings settings)
        => settings.IsMaxPool ? RoiMaxPool(pyramid, regions, bins) : RoiAlign(pyramid, regions, bins, settings);

    /// <summary>Features of regions by RoIAlign (see <see cref="Kernels.RoiAlign"/>), from the levels that match their sizes.</summary>
    /// <param name="pyramid">The pyramid, [N, Hl, Wl, C].</param>
    /// <param name="regions">The regions.</param>
    /// <param name="bins">The side of the features, in bins.</param>
    /// <param name="settings">The pooling conventions.</param>
    /// <returns>The features, [R, bins, bins, C].</returns>
    public Variable RoiAlign(VariableMaps pyramid, Regions regions, int bins, RoiSettings settings)
        => Pool(
            pyramid, regions, bins, keepsValues: false,
            (levels, list, output) => Kernels.RoiAlign.Run(
                device, levels, pyramid.Values.Values.View, list, settings.SamplingRatio, settings.Aligned, output.Value),
            (level, l, list, _, gradient) => RoiAlignBackward.Run(
                device, gradient, list, l, regions.Levels[l].Scale, settings.SamplingRatio, settings.Aligned, level.GradientToAddTo()));

    /// <summary>Features of regions by max pooling (see <see cref="Kernels.RoiMaxPool"/>), from the levels of their sizes.</summary>
    /// <param name="pyramid">The pyramid, [N, Hl, Wl, C].</param>
    /// <param name="regions">The regions.</param>
    /// <param name="bins">The side of the features, in bins.</param>
    /// <returns>The features, [R, bins, bins, C].</returns>
    public Variable RoiMaxPool(VariableMaps pyramid, Regions regions, int bins)
        => Pool(
            pyramid, regions, bins, keepsValues: true,
            (levels, list, output) => Kernels.RoiMaxPool.Run(device, levels, pyramid.Values.Values.View, list, output.Value),
            (level, l, list, output, gradient) => RoiMaxPoolBackward.Run(
                device, level.Value, output.Value, gradient, list, l, regions.Levels[l].Scale, level.GradientToAddTo()));

    private Variable Pool(
        VariableMaps pyramid, Regions regions, int bins, bool keepsValues, Action<ArrayView<RoiLevel>, RoiList, Variable> forward,
        Action<Variable, int, RoiList, Variable, Tensor> backward)
    {
        var output = New(Tensor.Rent(device, new Shape(regions.Count, bins, bins, pyramid.Levels[0].Shape.C)));
        forward(regions.LevelView, regions.View, output);
        List<Variable> levels = [.. pyramid.Levels.Take(regions.Levels.Count)];
        if (!levels.Exists(level => level.NeedsGradient))
            return output;
        Record(output, keepsValues ? [.. levels, output] : [], gradient =>
        {
            foreach (var (l, level) in levels.Index())
            {
                if (level.NeedsGradient)
                    backward(level, l, regions.View, output, gradient);
            }
        });
        return output;
    }
}
