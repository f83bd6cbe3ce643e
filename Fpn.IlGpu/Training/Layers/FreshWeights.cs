using Fpn.IlGpu.Data;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Training;

/// <summary>
/// The random tensors of an untrained network, with the names and the distributions of torchvision's <c>FasterRCNN</c>: He's normal
/// distribution in the backbone, uniform distributions in the pyramid and the box head, and a normal distribution of standard
/// deviation 0.01 in the RPN head. They depend only on the seed and each tensor's name.
/// </summary>
internal sealed class FreshWeights
{
    private const int RoiSide = 7;

    private readonly List<StateTensor> tensors = [];
    private readonly long seed;

    private FreshWeights(long seed) => this.seed = seed;

    /// <summary>All tensors of a Faster R-CNN, or of one of its halves: an RPN or a Fast R-CNN.</summary>
    /// <param name="layout">The layers of the network.</param>
    /// <param name="model">The kind of detector, the pyramid, the anchors and the classes.</param>
    /// <param name="seed">The seed of the random numbers.</param>
    public static IReadOnlyList<StateTensor> Of(NetworkLayout layout, ModelConfiguration model, long seed)
    {
        var fresh = new FreshWeights(seed);
        var channels = fresh.AddBackbone(layout);
        var d = model.Pyramid == PyramidKind.SingleMap ? channels[^1] : layout.PyramidChannels;
        if (model.Pyramid != PyramidKind.SingleMap)
            fresh.AddPyramid(model.Pyramid, channels, d);
        if (model.Detector != DetectorKind.FastRcnn)
        {
            var anchors = model.AspectRatios.Length * model.AnchorSizes[0].Length;
            string[] heads = layout.SharedRpnHead ? ["rpn.head"] : [.. model.AnchorSizes.Select((_, l) => $"rpn.head.{l}")];
            foreach (var head in heads)
                fresh.AddRpnHead(head, d, layout.PyramidChannels, anchors);
        }
        if (model.Detector != DetectorKind.ProposalNetwork)
            fresh.AddBoxHead(layout, model.Classes!.Length, d);
        return fresh.tensors;
    }

    private void AddPyramid(string kind, int[] channels, int d)
    {
        for (var l = 0; l < channels.Length; l++)
        {
            if (AblatedPyramid.HasLateral(kind, l, channels.Length))
                AddUniform($"backbone.fpn.inner_blocks.{l}.0", 1, zeroBias: true, d, channels[l], 1, 1);
            if (AblatedPyramid.HasSmooth(kind, l))
                AddUniform($"backbone.fpn.layer_blocks.{l}.0", 1, zeroBias: true, d, d, 3, 3);
        }
    }

    private void AddRpnHead(string name, int inputC, int hiddenC, int anchors)
    {
        AddSmall($"{name}.conv.0.0", hiddenC, inputC, 3, 3);
        AddSmall($"{name}.cls_logits", anchors, hiddenC, 1, 1);
        AddSmall($"{name}.bbox_pred", 4 * anchors, hiddenC, 1, 1);
    }

    private void AddBoxHead(NetworkLayout layout, int classes, int d)
    {
        const string Head = "roi_heads.box_head";
        // PyTorch's default for linear layers is uniform within ±1 / √inputs, which has a third of the variance used for the pyramid.
        var linear = 1 / Math.Sqrt(3);
        var features = layout.HeadChannels;
        if (layout.BoxHead == BoxHeadKind.Stage)
        {
            features = AddStage(StageHead.Name(Head), layout, stage: 3, d, isFirst: false);
        }
        else
        {
            AddUniform($"{Head}.fc6", linear, zeroBias: false, features, d * RoiSide * RoiSide);
            AddUniform($"{Head}.fc7", linear, zeroBias: false, features, features);
        }
        AddUniform("roi_heads.box_predictor.cls_score", linear, zeroBias: false, classes, features);
        AddUniform("roi_heads.box_predictor.bbox_pred", linear, zeroBias: false, 4 * classes, features);
    }

    /// <summary>Adds the tensors of the backbone.</summary>
    /// <returns>Channels of the maps, C2 first.</returns>
    private int[] AddBackbone(NetworkLayout layout)
    {
        const string Body = "backbone.body";
        AddNormalised($"{Body}.conv1", $"{Body}.bn1", layout.Widths[0], 3, 7);
        // The maps are C2 to C4 or C5.
        var channels = new int[layout.TopMap - 1];
        var inputC = layout.Widths[0];
        for (var stage = 0; stage < channels.Length; stage++)
            inputC = channels[stage] = AddStage($"{Body}.layer{stage + 1}.", layout, stage, inputC, isFirst: stage == 0);
        return channels;
    }

    /// <summary>Adds the tensors of a stage of residual blocks.</summary>
    /// <returns>Channels of the stage's output.</returns>
    private int AddStage(string name, NetworkLayout layout, int stage, int inputC, bool isFirst)
    {
        var (stages, bottleneck) = layout.Stages;
        var width = layout.Widths[stage];
        var outputC = width * (bottleneck ? 4 : 1);
        for (var b = 0; b < stages[stage]; b++)
        {
            var block = $"{name}{b}";
            AddNormalised($"{block}.conv1", $"{block}.bn1", width, inputC, bottleneck ? 1 : 3);
            AddNormalised($"{block}.conv2", $"{block}.bn2", width, width, 3);
            if (bottleneck)
                AddNormalised($"{block}.conv3", $"{block}.bn3", outputC, width, 1);
            // The shortcut is a layer where the block changes the map's size or channels.
            if (b == 0 && (!isFirst || inputC != outputC))
                AddNormalised($"{block}.downsample.0", $"{block}.downsample.1", outputC, inputC, 1);
            inputC = outputC;
        }
        return outputC;
    }

    private void AddNormalised(string convolution, string batchNorm, int outputC, int inputC, int kernel)
    {
        // He et al. 2015, by fan-out, so that gradients keep their magnitude in the backward pass.
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

    /// <summary>Adds uniform values within ± spread · √(3 / inputs); with a spread of 1, outputs keep the variance of the inputs.</summary>
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
        // The Box–Muller transform makes a normal number from two uniform ones.
        Add(
            $"{name}.weight", shape,
            () => deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextUnit())) * Math.Cos(2 * Math.PI * random.NextUnit()));
    }

    private KeyedRandom Random(string name)
    {
        // A hash that is the same in every process, unlike string.GetHashCode.
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
