namespace Fpn.IlGpu.Weights;

/// <summary>
/// torchvision's classifiers, trained on ImageNet, whose backbones detectors are trained from: addresses, figures and names as in
/// <c>torchvision/models/resnet.py</c> and <c>mobilenetv3.py</c>, sizes as in its documentation. The second weights of a network
/// (IMAGENET1K_V2) are from a longer recipe; torchvision's first detectors started from the first.
/// </summary>
internal static class TorchvisionBackbones
{
    public static IReadOnlyList<ZooModel> All { get; } =
    [
        Model("resnet18", "resnet18-f37072fd", 11_689_512, 44.7, 69.758),
        Model("resnet34", "resnet34-b627a593", 21_797_672, 83.3, 73.314),
        Model("resnet50", "resnet50-0676ba61", 25_557_032, 97.8, 76.130),
        Model("resnet50_v2", "resnet50-11ad3fa6", 25_557_032, 97.8, 80.858),
        Model("resnet101", "resnet101-63fe2227", 44_549_160, 170.5, 77.374),
        Model("resnet101_v2", "resnet101-cd907fc2", 44_549_160, 170.5, 81.886),
        Model("mobilenet_v3_large", "mobilenet_v3_large-8738ca79", 5_483_032, 21.1, 74.042),
        Model("mobilenet_v3_large_v2", "mobilenet_v3_large-5c1a4163", 5_483_032, 21.1, 75.274),
    ];

    // The file name ends in the first eight digits of its SHA-256.
    private static ZooModel Model(string name, string file, long parameters, double mebibytes, double top1) => new()
    {
        Name = name,
        Url = new Uri($"https://download.pytorch.org/models/{file}.pth"),
        Digest = new ModelDigest(DigestAlgorithm.Sha256, file[^8..]),
        Source = "torchvision",
        Licence = "BSD-3-Clause",
        Configuration = new ModelConfiguration(),
        IsBackbone = true,
        MeasuredOn = "ImageNet-1K",
        Top1 = top1,
        Parameters = parameters,
        ApproximateBytes = (long)(mebibytes * (1 << 20)),
    };
}
