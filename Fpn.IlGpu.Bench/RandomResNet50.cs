using System.CommandLine;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Bench;

/// <summary>
/// The tensors of torchvision's <c>fasterrcnn_resnet50_fpn</c> with random values. The time of a detection depends on the
/// values only through the number of boxes, so the heads' weights are spread until there are 1000 proposals.
/// </summary>
internal sealed class RandomResNet50
{
    /// <summary>
    /// The command that writes the tensors to a file, in another process, so that the measuring process never holds them.
    /// </summary>
    public const string CommandName = "random-r50";

    private readonly List<StateTensor> tensors = [];
    private readonly Random random = new(1);

    private RandomResNet50()
    {
    }

    /// <summary>The command.</summary>
    public static Command CreateCommand()
    {
        var path = new Argument<string>("FILE") { Description = "The .safetensors file to write." };
        var command = new Command(CommandName, "Writes a ResNet-50 FPN with random weights.") { path };
        command.Hidden = true;
        command.SetAction(parsed => Write(parsed.GetRequiredValue(path)));
        return command;
    }

    /// <summary>Writes the tensors, with the same values each time.</summary>
    private static void Write(string path)
    {
        var model = new RandomResNet50();
        model.AddBackbone();
        model.AddPyramidAndHeads();
        SafetensorsWriter.Write(path, [.. model.tensors], DataType.F32, metadata: null);
    }

    private void AddBackbone()
    {
        const string Body = "backbone.body";
        AddNormalised($"{Body}.conv1", $"{Body}.bn1", 64, 3, 7);
        var inputC = 64;
        foreach (var (stage, blocks) in new[] { 3, 4, 6, 3 }.Index())
        {
            var width = 64 << stage;
            for (var b = 0; b < blocks; b++)
            {
                var block = $"{Body}.layer{stage + 1}.{b}";
                AddNormalised($"{block}.conv1", $"{block}.bn1", width, inputC, 1);
                AddNormalised($"{block}.conv2", $"{block}.bn2", width, width, 3);
                AddNormalised($"{block}.conv3", $"{block}.bn3", 4 * width, width, 1);
                if (b == 0)
                    AddNormalised($"{block}.downsample.0", $"{block}.downsample.1", 4 * width, inputC, 1);
                inputC = 4 * width;
            }
        }
    }

    private void AddPyramidAndHeads()
    {
        for (var l = 0; l < 4; l++)
        {
            AddLayer($"backbone.fpn.inner_blocks.{l}.0", 1, 256, 256 << l, 1, 1);
            AddLayer($"backbone.fpn.layer_blocks.{l}.0", 1, 256, 256, 3, 3);
        }
        AddLayer("rpn.head.conv.0.0", 1, 256, 256, 3, 3);
        AddLayer("rpn.head.cls_logits", 1, 3, 256, 1, 1);
        AddLayer("rpn.head.bbox_pred", 0.1f, 12, 256, 1, 1);
        AddLayer("roi_heads.box_head.fc6", 1, 1024, 256 * 49);
        AddLayer("roi_heads.box_head.fc7", 1, 1024, 1024);
        AddLayer("roi_heads.box_predictor.cls_score", 3, 91, 1024);
        AddLayer("roi_heads.box_predictor.bbox_pred", 1, 364, 1024);
    }

    private void AddNormalised(string convolution, string batchNorm, int outputC, int inputC, int kernel)
    {
        AddWeights(convolution, 1, [outputC, inputC, kernel, kernel]);
        Add($"{batchNorm}.weight", [outputC], Constant(outputC, 0.7f));
        Add($"{batchNorm}.bias", [outputC], Constant(outputC, 0));
        Add($"{batchNorm}.running_mean", [outputC], Constant(outputC, 0));
        Add($"{batchNorm}.running_var", [outputC], Constant(outputC, 1));
    }

    private void AddLayer(string name, float spread, params int[] shape)
    {
        AddWeights(name, spread, shape);
        Add($"{name}.bias", [shape[0]], Constant(shape[0], 0));
    }

    /// <summary>Uniform values; with a spread of 1, of the variance 2 / inputs, which keeps the size of activations.</summary>
    private void AddWeights(string name, float spread, int[] shape)
    {
        var values = new float[shape.Aggregate(1, (a, b) => a * b)];
        var range = spread * MathF.Sqrt(3 * 2f * shape[0] / values.Length);
        for (var i = 0; i < values.Length; i++)
            values[i] = (2 * random.NextSingle() - 1) * range;
        Add($"{name}.weight", shape, values);
    }

    private static float[] Constant(int count, float value) => [.. Enumerable.Repeat(value, count)];

    private void Add(string name, int[] shape, float[] values) => tensors.Add(StateTensor.FromValues(name, shape, values));
}
