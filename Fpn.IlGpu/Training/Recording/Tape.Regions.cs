using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Training;

// Pooling of maps, and of regions of maps.
internal sealed partial class Tape
{
    /// <summary>Room for maps that operators fill.</summary>
    /// <param name="shapes">Finest first.</param>
    /// <param name="fill">Makes the variable of a level in the memory that it is given.</param>
    public VariableMaps Maps(IReadOnlyList<Shape> shapes, Func<int, Tensor, Variable> fill)
    {
        var values = NewMaps(shapes);
        return new VariableMaps(values, [.. shapes.Select((_, l) => fill(l, values[l]))]);
    }

    /// <summary>Max pooling (see <see cref="Kernels.MaxPool"/>); with a 1×1 window, subsampling.</summary>
    /// <param name="x">[N, H, W, C].</param>
    /// <param name="kernel">Side of the window, in px.</param>
    /// <param name="stride">Distance of neighbouring outputs, in px.</param>
    /// <param name="padding">In px.</param>
    /// <param name="into">Where the output goes, or null for memory of its own.</param>
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
    /// <param name="x">[N, H, W, C].</param>
    /// <returns>[N, 1, 1, C].</returns>
    public Variable GlobalAveragePool(Variable x)
    {
        var output = New(Tensor.Rent(device, new Shape(x.Shape.N, 1, 1, x.Shape.C)));
        Kernels.GlobalAveragePool.Run(device, x.Value, output.Value);
        if (x.NeedsGradient)
            Record(output, [], gradient => GlobalAveragePoolBackward.Run(device, gradient, x.GradientToAddTo()));
        return output;
    }

    /// <summary>Features of regions, by whichever pooling the settings say, from the levels that their sizes call for.</summary>
    /// <param name="pyramid">[N, Hl, Wl, C].</param>
    /// <param name="regions">Of which.</param>
    /// <param name="bins">Side of the features.</param>
    /// <param name="settings">How.</param>
    /// <returns>[R, bins, bins, C].</returns>
    public Variable RoiFeatures(VariableMaps pyramid, Regions regions, int bins, RoiSettings settings)
        => settings.IsMaxPool ? RoiMaxPool(pyramid, regions, bins) : RoiAlign(pyramid, regions, bins, settings);

    /// <summary>Features of regions (see <see cref="Kernels.RoiAlign"/>), from the levels that their sizes call for.</summary>
    /// <param name="pyramid">[N, Hl, Wl, C].</param>
    /// <param name="regions">Of which.</param>
    /// <param name="bins">Side of the features.</param>
    /// <param name="settings">How.</param>
    /// <returns>[R, bins, bins, C].</returns>
    public Variable RoiAlign(VariableMaps pyramid, Regions regions, int bins, RoiSettings settings)
        => Pool(
            pyramid, regions, bins, keepsValues: false,
            (levels, list, output) => Kernels.RoiAlign.Run(
                device, levels, pyramid.Values.Values.View, list, settings.SamplingRatio, settings.Aligned, output.Value),
            (level, l, list, _, gradient) => RoiAlignBackward.Run(
                device, gradient, list, l, regions.Levels[l].Scale, settings.SamplingRatio, settings.Aligned, level.GradientToAddTo()));

    /// <summary>The same by max pooling (see <see cref="Kernels.RoiMaxPool"/>).</summary>
    /// <param name="pyramid">[N, Hl, Wl, C].</param>
    /// <param name="regions">Of which.</param>
    /// <param name="bins">Side of the features.</param>
    /// <returns>[R, bins, bins, C].</returns>
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
