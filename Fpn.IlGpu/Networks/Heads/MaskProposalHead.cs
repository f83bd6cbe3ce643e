using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The head that proposes object masks (paper, section 6 and figure 4). At each location of each level, a 5×5 convolution to 512
/// channels with ReLU looks at a window. From these features, two sibling 1×1 convolutions predict a score and the pixels of a 14×14
/// mask. A second convolution, 7×7 because 7 ≈ 5 · √2, does the same for the half octaves between the levels. All levels share both.
/// <code>
/// features[w, l] = relu( conv(w)( Pl ) )     score[w, l] = score(w)( features[w, l] )     mask = mask(w)( a pixel of features[w, l] )
/// </code>
/// Scores are predicted everywhere; masks only where one is learned, or where the score is among the best.
/// </summary>
internal sealed class MaskProposalHead
{
    private readonly Window[] windows;

    /// <summary>Defines the head, and adds its layers to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The prefix of its tensors' names: <c>mask_proposals</c>.</param>
    /// <param name="layout">The sizes of its layers.</param>
    /// <param name="channels">Channels of the pyramid, d.</param>
    public MaskProposalHead(LayerSet layers, string name, MaskProposalLayout layout, int channels)
    {
        (Channels, MaskSide) = (layout.Channels, layout.MaskSide);
        windows = [.. layout.Windows.Select((side, w) => new Window(layers, $"{name}.{w}", layout, side, channels))];
        Description = $"windows of {string.Join(" and ", layout.Windows.Select(side => $"{side}×{side}"))} to {Channels} channels, "
            + $"masks of {MaskSide}×{MaskSide}";
    }

    /// <summary>A description for users.</summary>
    public string Description { get; }

    /// <summary>The number of windows at a location, W: 2 with half octaves.</summary>
    public int Windows => windows.Length;

    /// <summary>Channels of the features.</summary>
    public int Channels { get; }

    /// <summary>The side of a mask, in cells.</summary>
    public int MaskSide { get; }

    /// <summary>Computes features and scores everywhere; the caller disposes the output.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="pyramid">The pyramid, [N, Hl, Wl, d].</param>
    public MaskProposalOutput Run(Tape tape, FeatureMaps pyramid)
    {
        // The maps of one level's windows follow each other: from small to large objects.
        var first = Windows * pyramid.Finest;
        var shapes = pyramid.Shapes.SelectMany(s => Enumerable.Repeat(s, Windows)).ToList();
        var output = new MaskProposalOutput(
            tape.NewMaps(first, [.. shapes.Select(s => s with { C = Channels })]),
            tape.NewMaps(first, [.. shapes.Select(s => s with { C = 1 })]));
        for (var i = first; i < first + shapes.Count; i++)
        {
            var window = windows[i % Windows];
            output.Features[i] = window.Convolution.Run(tape, pyramid[i / Windows], residual: null, into: output.Features.Memory(i));
            output.Scores[i] = window.Score.Run(tape, output.Features[i], residual: null, into: output.Scores.Memory(i));
        }
        return output;
    }

    /// <summary>Computes the logits of masks at some locations; the caller disposes them.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="output">The head's output.</param>
    /// <param name="window">The index of the window that all these locations belong to.</param>
    /// <param name="places">The indices of the locations in the array of all scores, [S], all different.</param>
    /// <returns>The logits, [1, 1, S, side · side]; a mask's rows follow each other.</returns>
    public Variable Masks(Tape tape, MaskProposalOutput output, int window, IEnumerable<int> places)
    {
        using var pixels = tape.TakePixels(output.Features, [.. places.Select(place => place * Channels)]);
        return windows[window].Mask.Run(tape, pixels);
    }

    private sealed class Window(LayerSet layers, string name, MaskProposalLayout layout, int side, int channels)
    {
        public ConvolutionLayer Convolution { get; } = new(
            layers, name + ".window", channels, layout.Channels, ConvolutionWindow.Square(padding: side / 2), Activation.Relu);

        public ConvolutionLayer Score { get; } = Predictor(layers, name + ".score", layout.Channels, 1);

        public ConvolutionLayer Mask { get; } = Predictor(layers, name + ".mask", layout.Channels, layout.MaskSide * layout.MaskSide);

        private static ConvolutionLayer Predictor(LayerSet layers, string name, int inputC, int outputC)
            => new(layers, name, inputC, outputC, ConvolutionWindow.Square(), Activation.None, initial: Initial.Small);
    }
}

/// <summary>The sizes of the layers of a head that proposes masks.</summary>
/// <param name="Windows">The sides of the windows at a location, in cells of its level: 5 and 7 in the paper.</param>
/// <param name="Channels">Channels of the features.</param>
/// <param name="MaskSide">The side of a mask, in cells.</param>
internal sealed record MaskProposalLayout(int[] Windows, int Channels, int MaskSide)
{
    /// <summary>Reads the layout of a model file.</summary>
    /// <param name="weights">Reads the tensors' shapes.</param>
    /// <param name="name">The prefix of their names: <c>mask_proposals</c>.</param>
    /// <exception cref="Tensors.WeightsException">A tensor is missing, or its shape is none of such a head.</exception>
    public static MaskProposalLayout Read(WeightReader weights, string name)
    {
        var count = Math.Max(1, weights.Count(name + "."));
        var (pixels, side) = (weights.OutputC(name + ".0.mask"), (int)Math.Sqrt(weights.OutputC(name + ".0.mask")));
        if (side * side != pixels)
            throw weights.Error($"the tensor '{name}.0.mask.weight' has {pixels} outputs, which are no square mask.");
        int[] windows = [.. Enumerable.Range(0, count).Select(w => weights.Size($"{name}.{w}.window.weight", 2, 4))];
        if (Array.Find(windows, w => w % 2 == 0) is > 0 and var even)
            throw weights.Error($"'{name}' has a window of {even}×{even}, but a window needs a middle.");
        return new MaskProposalLayout(windows, weights.OutputC(name + ".0.window"), side);
    }
}

/// <summary>
/// The output at every location, with a map for each window on each level, from small to large objects: with W windows, the map of
/// window w on level l has the number W · l + w.
/// </summary>
/// <param name="Features">The features of each map, [N, Hl, Wl, 512].</param>
/// <param name="Scores">The logits of each map, [N, Hl, Wl, 1].</param>
internal sealed record MaskProposalOutput(FeatureMaps Features, FeatureMaps Scores) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Features.Dispose();
        Scores.Dispose();
    }
}
