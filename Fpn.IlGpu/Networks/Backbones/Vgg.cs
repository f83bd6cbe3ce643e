using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// VGG (Simonyan and Zisserman, Very Deep Convolutional Networks, table 1; VGG-16 is column D) as a bottom-up pathway: five stages of
/// 3×3 convolutions with ReLU, each followed by a 2×2 max pool of stride 2. The maps are the outputs of the last three stages, conv3_3,
/// conv4_3 and conv5_3 at strides 4, 8 and 16, and the last pool's at stride 32. Layers are numbered as in torchvision, where ReLUs,
/// pools and batch norms count.
/// </summary>
internal sealed class Vgg : IBackbone
{
    private const int FirstMapStage = 2;

    private readonly ConvolutionLayer[][] stages;
    private readonly int firstMap;

    /// <summary>Defines a VGG, and adds its layers to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The prefix of its tensors' names: <c>backbone.body</c>.</param>
    /// <param name="layout">The sizes of its layers.</param>
    /// <param name="mapCount">The number of maps to return, counted from the coarsest: 4 for strides 4 to 32.</param>
    public Vgg(LayerSet layers, string name, VggLayout layout, int mapCount)
    {
        var (number, channels) = (0, 3);
        stages = [.. layout.Stages.Select(stage =>
        {
            var convolutions = stage.Select(outputC =>
            {
                var (own, inputC) = (number, channels);
                channels = outputC;
                number += layout.HasNorms ? 3 : 2;
                return new ConvolutionLayer(
                    layers, $"{name}.{own}", inputC, outputC, ConvolutionWindow.Square(padding: 1), Activation.Relu,
                    layout.HasNorms ? $"{name}.{own + 1}" : null, hasBias: true);
            }).ToArray();
            number++;
            return convolutions;
        })];
        firstMap = layout.MostMaps - mapCount;
        FinestLevel = 2 + firstMap;
        int[] all = [.. layout.Stages[FirstMapStage..].Select(stage => stage[^1]), layout.Stages[^1][^1]];
        Channels = all[firstMap..];
        Parts = [.. stages.SelectMany(stage => stage).Select(convolution => convolution.Name)];
        Description = $"VGG-{stages.Sum(stage => stage.Length) + 3}{(layout.HasNorms ? " with batch norm" : "")}";
    }

    /// <inheritdoc/>
    public int FinestLevel { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> Channels { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Parts { get; }

    /// <inheritdoc/>
    public string Description { get; }

    /// <summary>Whether a backbone's tensors are named like a VGG's.</summary>
    public static bool IsNamedLike(WeightReader weights, string name) => weights.Has(name + ".0.weight");

    /// <inheritdoc/>
    public Levels<Variable> Run(Tape tape, Variable input)
    {
        var maps = new List<Variable>();
        var x = input;
        foreach (var (s, convolutions) in stages.Index())
        {
            foreach (var convolution in convolutions)
                Advance(convolution.Run(tape, x));
            if (s >= FirstMapStage + firstMap)
                maps.Add(x);
            Advance(tape.MaxPool(x, kernel: 2, stride: 2, padding: 0));
        }
        maps.Add(x);
        return new Levels<Variable>(FinestLevel, maps);

        void Advance(Variable next)
        {
            if (x != input && !maps.Contains(x))
                x.Dispose();
            x = next;
        }
    }
}

/// <summary>The sizes of a VGG's layers.</summary>
/// <param name="Stages">The output channels of the convolutions of each of the five stages.</param>
/// <param name="HasNorms">Whether a batch norm follows each convolution.</param>
internal sealed record VggLayout(int[][] Stages, bool HasNorms) : BackboneLayout
{
    /// <inheritdoc/>
    public override int MostMaps => 4;

    /// <summary>The sizes of a VGG-16 (column D).</summary>
    /// <param name="widths">The channels of the first four stages, 64, 128, 256 and 512 in the paper; the fifth has those of the fourth.</param>
    /// <param name="hasNorms">Whether a batch norm follows each convolution.</param>
    public static VggLayout Sixteen(int[] widths, bool hasNorms)
    {
        var (a, b, c, d) = (widths[0], widths[1], widths[2], widths[3]);
        return new([[a, a], [b, b], [c, c, c], [d, d, d], [d, d, d]], hasNorms);
    }

    /// <summary>Reads the layout of a model file; a gap in the numbers of the layers is a pool.</summary>
    /// <param name="weights">Reads the tensors' shapes.</param>
    /// <param name="name">The prefix of their names: <c>backbone.body</c>.</param>
    /// <exception cref="Tensors.WeightsException">A tensor is missing, or there are not five stages.</exception>
    public static VggLayout Read(WeightReader weights, string name)
    {
        var hasNorms = weights.Has(name + ".1.weight");
        var (step, number, last) = (hasNorms ? 3 : 2, 0, weights.Count(name + "."));
        var stages = new List<int[]>();
        while (number < last)
        {
            var stage = new List<int>();
            for (; weights.Has($"{name}.{number}.weight"); number += step)
                stage.Add(weights.OutputC($"{name}.{number}"));
            if (stage.Count == 0)
                throw weights.Error($"there is no tensor '{name}.{number}.weight'.");
            stages.Add([.. stage]);
            number++;
        }
        return stages.Count == 5
            ? new VggLayout([.. stages], hasNorms)
            : throw weights.Error($"'{name}' has {stages.Count} stages, but a VGG has 5.");
    }

    /// <inheritdoc/>
    public override IBackbone Build(LayerSet layers, string name, int mapCount)
        => new Vgg(layers, name, this, mapCount);
}
