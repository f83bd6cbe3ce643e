using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

// Operators without weights.
public sealed partial class Tape
{
    /// <summary>The sum of two maps of the same size, then an activation: the end of a residual block.</summary>
    /// <param name="a">The first map, [N, H, W, C].</param>
    /// <param name="b">The second map, [N, H, W, C].</param>
    /// <param name="activation">The activation.</param>
    public Variable Add(Variable a, Variable b, Activation activation) => Add(a, b, activation, into: null);

    /// <summary>The sum of two maps of the same size, then an activation: the end of a residual block.</summary>
    /// <param name="a">The first map, [N, H, W, C].</param>
    /// <param name="b">The second map, [N, H, W, C].</param>
    /// <param name="activation">The activation.</param>
    /// <param name="into">The memory for the output, or null to rent it.</param>
    internal Variable Add(Variable a, Variable b, Activation activation, Tensor? into)
    {
        var needsGradient = a.NeedsGradient || b.NeedsGradient;
        if (needsGradient && ActivationBackward.NeedsInput(activation))
        {
            using var sum = Add(a, b, Activation.None);
            return Activate(sum, activation, into);
        }
        var output = New(into ?? Tensor.Rent(device, a.Shape));
        ResidualSum.Run(device, a.Value, b.Value, activation, output.Value);
        if (needsGradient)
            RecordSum(a, b, activation, output);
        return output;
    }

    // The recording is apart from the operators that every inference runs: a method with a lambda allocates what it captures, also where
    // nothing is recorded.
    private void RecordSum(Variable a, Variable b, Activation activation, Variable output)
        => Record(output, activation == Activation.None ? [] : [output], gradient =>
        {
            if (activation != Activation.None)
                ActivationBackward.Run(device, activation, gradient, output.Value, gradient);
            if (a.NeedsGradient && b.NeedsGradient)
                Accumulate.Run(device, gradient.View, a.GradientToAddTo().View);
            PassOn(output, b.NeedsGradient ? b : a);
        });

    /// <summary>The sum of a finer map and an upsampled coarser one: the top-down pathway (see <see cref="UpsampleMerge"/>).</summary>
    /// <param name="lateral">The finer map, [N, H, W, C].</param>
    /// <param name="top">The coarser map, [N, Ht, Wt, C].</param>
    public Variable UpsampleAdd(Variable lateral, Variable top)
    {
        var output = New(Tensor.Rent(device, lateral.Shape));
        UpsampleMerge.Run(device, lateral.Value, top.Value, output.Value);
        if (!lateral.NeedsGradient && !top.NeedsGradient)
            return output;
        Record(output, [], gradient =>
        {
            if (top.NeedsGradient)
                UpsampleBackward.Run(device, gradient, top.GradientToAddTo());
            if (lateral.NeedsGradient)
                PassOn(output, lateral);
        });
        return output;
    }

    /// <summary>A coarser map, upsampled to a given size (see <see cref="UpsampleMerge.Upsample"/>).</summary>
    /// <param name="x">The coarser map, [N, Ht, Wt, C].</param>
    /// <param name="shape">The output shape, [N, H, W, C].</param>
    internal Variable Upsample(Variable x, Shape shape)
    {
        var output = New(Tensor.Rent(device, shape));
        UpsampleMerge.Upsample(device, x.Value, output.Value);
        if (x.NeedsGradient)
            Record(output, [], gradient => UpsampleBackward.Run(device, gradient, x.GradientToAddTo()));
        return output;
    }

    /// <summary>An activation of its own; usually it is a part of the layer before it.</summary>
    /// <param name="x">The input, [N, H, W, C].</param>
    /// <param name="activation">The activation.</param>
    public Variable Activate(Variable x, Activation activation) => Activate(x, activation, into: null);

    /// <summary>An activation of its own; usually it is a part of the layer before it.</summary>
    /// <param name="x">The input, [N, H, W, C].</param>
    /// <param name="activation">The activation.</param>
    /// <param name="into">The memory for the output, or null to rent it.</param>
    internal Variable Activate(Variable x, Activation activation, Tensor? into)
    {
        var output = New(into ?? Tensor.Rent(device, x.Shape));
        Kernels.Activate.Run(device, x.Value, activation, output.Value);
        if (x.NeedsGradient)
            RecordActivation(x, activation, output);
        return output;
    }

    private void RecordActivation(Variable x, Activation activation, Variable output)
    {
        var kept = ActivationBackward.NeedsInput(activation) ? x : output;
        Record(output, [kept], gradient =>
        {
            ActivationBackward.Run(device, activation, gradient, kept.Value, gradient);
            PassOn(output, x);
        });
    }

    /// <summary>Each channel multiplied by its own factor (see <see cref="Kernels.ScaleChannels"/>).</summary>
    /// <param name="x">The input, [N, H, W, C].</param>
    /// <param name="factors">The factors, [N, 1, 1, C].</param>
    public Variable ScaleChannels(Variable x, Variable factors)
    {
        var output = New(Tensor.Rent(device, x.Shape));
        Kernels.ScaleChannels.Run(device, x.Value, factors.Value, output.Value);
        if (!x.NeedsGradient && !factors.NeedsGradient)
            return output;
        Record(output, [x, factors], gradient =>
        {
            var (factorGradient, accumulate) = factors.GradientToWrite();
            ScaleChannelsBackward.Run(
                device, gradient, x.Value, factors.Value, accumulateInput: false, gradient, accumulate, factorGradient);
            if (x.NeedsGradient)
                PassOn(output, x);
        });
        return output;
    }

    /// <summary>Max pooling (see <see cref="Kernels.MaxPool"/>); a 1×1 window subsamples.</summary>
    /// <param name="x">The input, [N, H, W, C].</param>
    /// <param name="kernel">The side of the window, in px.</param>
    /// <param name="stride">The stride, in px.</param>
    /// <param name="padding">The padding, in px.</param>
    public Variable MaxPool(Variable x, int kernel, int stride, int padding) => MaxPool(x, kernel, stride, padding, into: null);

    /// <summary>Max pooling (see <see cref="Kernels.MaxPool"/>); a 1×1 window subsamples.</summary>
    /// <param name="x">The input, [N, H, W, C].</param>
    /// <param name="kernel">The side of the window, in px.</param>
    /// <param name="stride">The stride, in px.</param>
    /// <param name="padding">The padding, in px.</param>
    /// <param name="into">The memory for the output, or null to rent it.</param>
    internal Variable MaxPool(Variable x, int kernel, int stride, int padding, Tensor? into)
    {
        var output = New(into ?? Tensor.Rent(device, Kernels.MaxPool.OutputShape(x.Shape, kernel, stride, padding)));
        Kernels.MaxPool.Run(device, x.Value, kernel, stride, padding, output.Value);
        if (x.NeedsGradient)
            RecordPool(x, kernel, stride, padding, output);
        return output;
    }

    private void RecordPool(Variable x, int kernel, int stride, int padding, Variable output)
        => Record(output, [x, output], gradient =>
            MaxPoolBackward.Run(device, x.Value, output.Value, gradient, kernel, stride, padding, x.GradientToAddTo()));

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

    /// <summary>Some pixels of maps side by side (see <see cref="Kernels.TakePixels"/>).</summary>
    /// <param name="maps">The maps, [N, Hl, Wl, C].</param>
    /// <param name="at">The index of each pixel's first channel in the maps' array, [S], all different.</param>
    /// <returns>The pixels, [1, 1, S, C].</returns>
    internal Variable TakePixels(FeatureMaps maps, ReadOnlySpan<int> at)
    {
        var places = device.Upload(at);
        var output = New(Tensor.Rent(device, new Shape(1, 1, at.Length, maps.Shapes[0].C)));
        Kernels.TakePixels.Run(device, maps.Values.View, places.View, output.Value);
        var levels = LevelsOf(maps, at).Where(l => maps[l].NeedsGradient).ToList();
        if (levels.Count == 0)
        {
            places.Dispose();
            return output;
        }
        Hold(places);
        Record(output, [], gradient =>
        {
            foreach (var l in levels)
                TakePixelsBackward.Run(device, gradient, places.View, maps.Offset(l), maps[l].GradientToAddTo());
        });
        return output;

        // The maps that have any of the pixels; the others have no gradient from here.
        static HashSet<int> LevelsOf(FeatureMaps maps, ReadOnlySpan<int> at)
        {
            var levels = new HashSet<int>();
            foreach (var place in at)
                levels.Add(Enumerable.Range(maps.Finest, maps.Count).Last(l => maps.Offset(l) <= place));
            return levels;
        }
    }

    /// <summary>Rents memory for the maps of a pyramid's levels.</summary>
    /// <param name="finest">The number of the finest level.</param>
    /// <param name="shapes">The maps' shapes, finest level first.</param>
    internal FeatureMaps NewMaps(int finest, IReadOnlyList<Shape> shapes) => Hold(new FeatureMaps(device, finest, shapes));
}
