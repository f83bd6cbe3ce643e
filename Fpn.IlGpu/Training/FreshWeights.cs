using Fpn.IlGpu.Data;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// A network's tensors before it has learned anything, by the names and the distributions of torchvision's
/// <c>FasterRCNN</c>: He's normal distribution in the backbone, uniform ones in the pyramid and the box head, standard
/// deviation 0.01 in the RPN head. They depend on the seed and each tensor's name alone.
/// </summary>
internal sealed class FreshWeights
{
    private const int RoiSide = 7;

    private readonly List<StateTensor> tensors = [];
    private readonly long seed;

    private FreshWeights(long seed) => this.seed = seed;

    /// <summary>All tensors of a Faster R-CNN.</summary>
    /// <param name="layout">Its layers.</param>
    /// <param name="classes">With the background.</param>
    /// <param name="anchors">A, anchors a location.</param>
    /// <param name="seed">What they depend on.</param>
    public static IReadOnlyList<StateTensor> Of(NetworkLayout layout, int classes, int anchors, long seed)
    {
        var fresh = new FreshWeights(seed);
        var channels = fresh.AddBackbone(layout);
        var d = layout.PyramidChannels;
        for (var l = 0; l < channels.Length; l++)
        {
            fresh.AddUniform($"backbone.fpn.inner_blocks.{l}.0", 1, zeroBias: true, d, channels[l], 1, 1);
            fresh.AddUniform($"backbone.fpn.layer_blocks.{l}.0", 1, zeroBias: true, d, d, 3, 3);
        }
        fresh.AddSmall("rpn.head.conv.0.0", d, d, 3, 3);
        fresh.AddSmall("rpn.head.cls_logits", anchors, d, 1, 1);
        fresh.AddSmall("rpn.head.bbox_pred", 4 * anchors, d, 1, 1);
        // PyTorch's own for linear layers is uniform within 1 / √inputs, a third of the variance that the pyramid's has.
        var linear = 1 / Math.Sqrt(3);
        fresh.AddUniform("roi_heads.box_head.fc6", linear, zeroBias: false, layout.HeadChannels, d * RoiSide * RoiSide);
        fresh.AddUniform("roi_heads.box_head.fc7", linear, zeroBias: false, layout.HeadChannels, layout.HeadChannels);
        fresh.AddUniform("roi_heads.box_predictor.cls_score", linear, zeroBias: false, classes, layout.HeadChannels);
        fresh.AddUniform("roi_heads.box_predictor.bbox_pred", linear, zeroBias: false, 4 * classes, layout.HeadChannels);
        return fresh.tensors;
    }

    private int[] AddBackbone(NetworkLayout layout)
    {
        const string Body = "backbone.body";
        var (stages, bottleneck) = layout.Stages;
        var expansion = bottleneck ? 4 : 1;
        AddNormalised($"{Body}.conv1", $"{Body}.bn1", layout.Widths[0], 3, 7);
        var inputC = layout.Widths[0];
        var channels = new int[stages.Length];
        for (var stage = 0; stage < stages.Length; stage++)
        {
            var width = layout.Widths[stage];
            var outputC = channels[stage] = width * expansion;
            for (var b = 0; b < stages[stage]; b++)
            {
                var block = $"{Body}.layer{stage + 1}.{b}";
                AddNormalised($"{block}.conv1", $"{block}.bn1", width, inputC, bottleneck ? 1 : 3);
                AddNormalised($"{block}.conv2", $"{block}.bn2", width, width, 3);
                if (bottleneck)
                    AddNormalised($"{block}.conv3", $"{block}.bn3", outputC, width, 1);
                // The shortcut is a layer where the block changes the map's size or channels.
                if (b == 0 && (stage > 0 || inputC != outputC))
                    AddNormalised($"{block}.downsample.0", $"{block}.downsample.1", outputC, inputC, 1);
                inputC = outputC;
            }
        }
        return channels;
    }

    private void AddNormalised(string convolution, string batchNorm, int outputC, int inputC, int kernel)
    {
        // He et al. 2015, by the fan out, so that gradients keep their size on the way back.
        AddNormal(convolution, Math.Sqrt(2.0 / (outputC * kernel * kernel)), outputC, inputC, kernel, kernel);
        Add($"{batchNorm}.weight", [outputC], 1);
        Add($"{batchNorm}.bias", [outputC], 0);
        Add($"{batchNorm}.running_mean", [outputC], 0);
        Add($"{batchNorm}.running_var", [outputC], 1);
    }

    private void AddSmall(string name, params int[] shape)
    {
        AddNormal(name, 0.01, shape);
        Add($"{name}.bias", [shape[0]], 0);
    }

    /// <summary>Uniform within ± spread · √(3 / inputs): with a spread of 1, outputs keep the variance of the inputs.</summary>
    private void AddUniform(string name, double spread, bool zeroBias, params int[] shape)
    {
        var inputs = shape[1..].Aggregate(1, (a, b) => a * b);
        var range = spread * Math.Sqrt(3.0 / inputs);
        var random = Random($"{name}.weight");
        Add($"{name}.weight", shape, () => range * (2 * random.NextUnit() - 1));
        var biasRandom = Random($"{name}.bias");
        var biasRange = zeroBias ? 0 : range;
        Add($"{name}.bias", [shape[0]], () => biasRange * (2 * biasRandom.NextUnit() - 1));
    }

    private void AddNormal(string name, double deviation, params int[] shape)
    {
        var random = Random($"{name}.weight");
        // Box and Muller: two uniform numbers make a normal one.
        Add(
            $"{name}.weight", shape,
            () => deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextUnit())) * Math.Cos(2 * Math.PI * random.NextUnit()));
    }

    private KeyedRandom Random(string name)
    {
        // A hash that is the same on every machine, unlike the string's own.
        var hash = 0L;
        foreach (var c in name)
            hash = unchecked(hash * 31 + c);
        return new KeyedRandom(seed, hash);
    }

    private void Add(string name, int[] shape, double value) => Add(name, shape, () => value);

    private void Add(string name, int[] shape, Func<double> next)
    {
        var values = new float[shape.Aggregate(1, (a, b) => a * b)];
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)next();
        tensors.Add(StateTensor.FromValues(name, shape, values));
    }
}
