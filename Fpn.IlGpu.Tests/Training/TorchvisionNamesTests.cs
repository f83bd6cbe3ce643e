using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>
/// <c>network.layout</c> expresses torchvision's detectors: an untrained network has tensors of the same names and shapes, so that a
/// trained model loads in torchvision (see the script in fixtures/).
/// </summary>
internal sealed class TorchvisionNamesTests
{
    private static readonly Dictionary<string, string[]> Torchvision = File.ReadLines(
            Path.Combine(AppContext.BaseDirectory, "Training", "fixtures", "torchvision-names.txt"))
        .Select(line => line.Split(' ')).ToDictionary(parts => parts[0], parts => parts[1..]);

    private static IEnumerable<TestCaseData> Models() =>
    [
        Case("fasterrcnn_resnet50_fpn", DetectorKind.FasterRcnn, new NetworkLayout()),
        Case("fasterrcnn_resnet50_fpn_v2", DetectorKind.FasterRcnn, new NetworkLayout { Generation = 2 }),
        Case("fasterrcnn_mobilenet_v3_large_fpn", DetectorKind.FasterRcnn, new NetworkLayout { Layout = "mobilenet_v3_large" }),
        Case("maskrcnn_resnet50_fpn", DetectorKind.MaskRcnn, new NetworkLayout()),
        Case("maskrcnn_resnet50_fpn_v2", DetectorKind.MaskRcnn, new NetworkLayout { Generation = 2 }),
        Case("retinanet_resnet50_fpn", DetectorKind.RetinaNet, new NetworkLayout()),
        Case("retinanet_resnet50_fpn_v2", DetectorKind.RetinaNet, new NetworkLayout { Generation = 2 }),
        .. ((string[])["resnet18", "resnet34", "resnet101", "resnet152", "wide_resnet50_2", "resnext50_32x4d", "resnext101_32x8d",
                "efficientnet_b0", "vgg16", "vgg16_bn"])
            .Select(backbone => Case(backbone, DetectorKind.FasterRcnn, new NetworkLayout { Layout = backbone })),
    ];

    [TestCaseSource(nameof(Models))]
    public void An_untrained_network_has_torchvisions_names_and_shapes(string name, string detector, NetworkLayout layout)
    {
        var configuration = new TrainingConfiguration
        {
            Data = new TrainingData { Shapes = new ShapesData() },
            Network = layout,
            Model = JsonElement.Parse($$"""{ "detector": "{{detector}}" }"""),
        };
        // torchvision's RetinaNet counts the background of COCO's 90 ids as a class, too.
        var classes = Enumerable.Range(0, detector == DetectorKind.RetinaNet ? 91 : 90).Select(i => $"class {i}").ToArray();
        using var network = new DetectorNetwork(
            DetectorLayouts.Of(layout, configuration.ModelConfiguration(classes)));
        string[] lines = [.. network.Layers.Tensors.Select(t => $"{t.Name} {string.Join('x', t.Shape)}").Order(StringComparer.Ordinal)];
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', lines))));
        Assert.That(new[] { lines.Length.ToString(CultureInfo.InvariantCulture), digest }, Is.EqualTo(Torchvision[name]));
    }

    private static TestCaseData Case(string name, string detector, NetworkLayout layout)
        => new TestCaseData(name, detector, layout).SetArgDisplayNames(name);
}
