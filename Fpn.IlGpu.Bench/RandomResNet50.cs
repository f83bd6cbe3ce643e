using System.CommandLine;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Bench;

/// <summary>
/// The tensors of torchvision's <c>fasterrcnn_resnet50_fpn</c> with random values, or those of the detector that the paper compares it
/// with, on C4 with conv5 as its head. The time of a detection depends on the values only through the number of boxes, so the heads'
/// weights are spread until there are 1000 proposals.
/// </summary>
internal static class RandomResNet50
{
    /// <summary>
    /// The command that writes the tensors to a file, in another process, so that the measuring process never holds them.
    /// </summary>
    public const string CommandName = "random-r50";

    /// <summary>The option for the detector on C4.</summary>
    public const string OnC4 = "--c4";

    /// <summary>The command.</summary>
    public static Command CreateCommand()
    {
        var path = new Argument<string>("FILE") { Description = "The .safetensors file to write." };
        var onC4 = new Option<bool>(OnC4) { Description = "On C4 with conv5 as the head, instead of with FPN." };
        var command = new Command(CommandName, "Writes a Faster R-CNN on ResNet-50 with random weights.") { path, onC4 };
        command.Hidden = true;
        command.SetAction(parsed => Write(parsed.GetRequiredValue(path), parsed.GetValue(onC4)));
        return command;
    }

    /// <summary>Writes the tensors, with the same values each time.</summary>
    private static void Write(string path, bool isOnC4)
    {
        var model = new ModelConfiguration { Classes = [.. CocoClasses.Names] };
        var sizes = new NetworkLayout();
        if (isOnC4)
        {
            // One map has the anchors of all sizes, and as many candidates for proposals as all levels together.
            model = model with
            {
                Pyramid = PyramidKind.SingleMap,
                AnchorSizes = [[.. model.AnchorSizes.SelectMany(level => level)]],
                RpnPreNmsTopN = model.AnchorSizes.Length * model.RpnPreNmsTopN,
            };
            sizes = sizes with { TopMap = 4, BoxHead = BoxHeadKind.Stage };
        }
        using var network = new DetectorNetwork(DetectorLayouts.Of(sizes, model));
        var random = new Random(1);
        SafetensorsWriter.Write(
            path, [.. network.Layers.Tensors.Select(spec => StateTensor.FromValues(spec.Name, spec.Shape, Values(spec, random)))],
            DataType.F32, new Dictionary<string, string> { [ModelConfiguration.MetadataKey] = ModelConfigurationJson.Write(model) });
    }

    private static float[] Values(TensorSpec spec, Random random)
    {
        var values = new float[spec.Length];
        if (spec.Initial == Initial.Ones)
            values.AsSpan().Fill(spec.Name.EndsWith(".weight", StringComparison.Ordinal) ? 0.7f : 1);
        if (!spec.Name.EndsWith(".weight", StringComparison.Ordinal) || spec.Initial == Initial.Ones)
            return values;
        // Uniform values; with a spread of 1, of the variance 2 / inputs, which keeps the size of activations.
        var range = Spread(spec.Name) * MathF.Sqrt(3 * 2f / spec.Inputs);
        foreach (ref var value in values.AsSpan())
            value = (2 * random.NextSingle() - 1) * range;
        return values;
    }

    private static float Spread(string name) => name switch
    {
        "rpn.head.bbox_pred.weight" => 0.1f,
        "roi_heads.box_predictor.cls_score.weight" => 3,
        _ => 1,
    };
}
