using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Weights.Zoo;

/// <summary>The table of published models, where they are downloaded from and where they are cached.</summary>
internal sealed class ModelZooTests
{
    private static readonly string[] Names = [.. ModelZoo.All.Select(model => model.Name)];
    private static readonly string[] DetectorNames = [.. ModelZoo.All.Where(model => !model.IsBackbone).Select(model => model.Name)];
    private static readonly string[] Detectors = ["faster-rcnn", "mask-rcnn", "retinanet", "rpn"];

    [Test]
    public void Names_are_unique_and_valid_as_file_names_and_command_line_arguments()
    {
        Assert.That(Names, Has.Length.EqualTo(23).And.All.Match("^[a-zA-Z][a-zA-Z0-9_]*$"));
        Assert.That(Names.Distinct(StringComparer.OrdinalIgnoreCase).Count(), Is.EqualTo(Names.Length));
        Assert.That(ModelZoo.All.Select(model => model.Url).Distinct().Count(), Is.EqualTo(Names.Length));
    }

    [Test]
    public void Each_file_has_its_digest_in_its_name([ValueSource(nameof(Names))] string name)
    {
        var model = ModelZoo.Find(name)!;
        var stem = Path.GetFileNameWithoutExtension(model.Url.AbsolutePath);
        var digits = model.Digest.Algorithm == DigestAlgorithm.Sha256 ? 8 : 6;

        Assert.That(model.Url.Scheme, Is.EqualTo("https"));
        Assert.That(stem, Does.Match($"[-_]{model.Digest.LeadingDigits[..digits]}$"));
        Assert.That(model.Digest.LeadingDigits, Does.Match("^[0-9a-f]+$").And.Length.AnyOf(digits, 64));
    }

    [Test]
    public void Each_configuration_is_valid_and_follows_its_source([ValueSource(nameof(DetectorNames))] string name)
    {
        var model = ModelZoo.Find(name)!;
        var c = model.Configuration;

        Assert.That(ModelConfiguration.Parse(c.ToJson()).ToJson(), Is.EqualTo(c.ToJson()));
        Assert.That(c.Detector, Is.AnyOf(Detectors));
        Assert.That((model.ProposalAr is not null, model.BoxAp is null), Is.EqualTo((c.Detector == "rpn", c.Detector == "rpn")));
        Assert.That(model.MaskAp is not null, Is.EqualTo(c.Detector == "mask-rcnn"));
        Assert.That(c.Classes?.Length, Is.EqualTo(model.Source == "torchvision" ? 91 : c.Detector == "rpn" ? null : 81));
        Assert.That(c.Classes?[c.BackgroundLast ? ^1 : 0], Is.EqualTo(c.Detector == "rpn" ? null : "background"));
        bool[] conventions = [c.Bgr, c.ResizeRounds, c.RoiAligned, !c.RoundAnchors, !c.MaskBoxRounded, c.BackgroundLast];
        Assert.That(conventions, Is.All.EqualTo(model.Source == "Detectron2"));
    }

    [Test]
    public void ImageNet_backbones_are_listed_with_source_licence_and_digest()
    {
        var backbones = ModelZoo.All.Where(model => model.IsBackbone).ToList();

        Assert.That(backbones.Select(model => model.Name), Is.SupersetOf((string[])["resnet18", "resnet34", "resnet50", "resnet101", "mobilenet_v3_large"]));
        foreach (var model in backbones)
        {
            Assert.That((model.Source, model.Licence), Is.EqualTo(("torchvision", "BSD-3-Clause")));
            Assert.That(model.Url.AbsoluteUri, Does.Match($@"^https://download\.pytorch\.org/models/\w+-{model.Digest.LeadingDigits}\.pth$"));
            Assert.That((model.BoxAp, model.Top1), Is.EqualTo(((double?)null, model.Top1)));
            Assert.That(model.Top1, Is.InRange(69, 82));
            // Four bytes a parameter, and a little for the names and the batch norms' statistics.
            Assert.That(model.ApproximateBytes / (4.0 * model.Parameters), Is.InRange(0.99, 1.02));
        }
    }

    [Test]
    public void Only_the_first_torchvision_weights_have_no_epsilon()
    {
        Assert.That(
            ModelZoo.All.Where(model => model.Configuration.BatchNormEpsilon == 0).Select(model => model.Name),
            Is.EqualTo(["fasterrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn", "retinanet_resnet50_fpn"]));
        Assert.That(ModelZoo.All.Select(model => model.Configuration.BatchNormEpsilon), Is.All.EqualTo(0).Or.EqualTo(1e-5f));
    }

    [Test]
    public void Detectron2_numbers_its_80_classes_without_gaps()
    {
        var names = ModelZoo.Find("detectron2_faster_rcnn_R_50_FPN_1x")!.Configuration.Classes!;

        Assert.That((names[0], names[11], names[79], names[80]), Is.EqualTo(("person", "stop sign", "toothbrush", "background")));
        Assert.That(names, Has.None.EqualTo("N/A").And.Unique);
    }

    [TestCase("maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn")]
    [TestCase("DETECTRON2_rpn_r_50_fpn_1X", "detectron2_rpn_R_50_FPN_1x")]
    [TestCase("resnet50", "resnet50")]
    [TestCase("resnet152", null)]
    [TestCase("", null)]
    public void A_model_is_found_by_its_name(string name, string? found)
        => Assert.That(ModelZoo.Find(name)?.Name, Is.EqualTo(found));

    [TestCase("fasterrcnn-resnet50-fpn", "fasterrcnn_resnet50_fpn")]
    [TestCase("fastercnn_resnet50_fpn", "fasterrcnn_resnet50_fpn")]
    [TestCase("retinanet", "retinanet_resnet50_fpn")]
    [TestCase("mask_rcnn_R_50_FPN_3x", "detectron2_mask_rcnn_R_50_FPN_3x")]
    [TestCase("rpn_", "detectron2_rpn_R_50_FPN_1x")]
    public void A_misspelt_name_suggests_the_nearest(string name, string suggestion)
    {
        Assert.That(ModelZoo.Nearest(name), Has.Count.LessThanOrEqualTo(3));
        Assert.That(ModelZoo.Nearest(name)[0], Is.EqualTo(suggestion));
    }

    [TestCase("")]
    [TestCase("yolo")]
    [TestCase("weights/mine.safetensors")]
    public void A_name_unlike_any_other_suggests_nothing(string name)
    {
        Assert.That(ModelZoo.Nearest(name), Is.Empty);
        Assert.That(ModelZoo.Nearest(new string('a', 1_000_000)), Is.Empty);
    }

    [TestCase(null, "https://download.pytorch.org/models/fasterrcnn_resnet50_fpn_coco-258fb6c6.pth")]
    [TestCase("", "https://download.pytorch.org/models/fasterrcnn_resnet50_fpn_coco-258fb6c6.pth")]
    [TestCase("https://host", "https://host/models/fasterrcnn_resnet50_fpn_coco-258fb6c6.pth")]
    [TestCase("https://host:8443/a%20b/", "https://host:8443/a%20b/models/fasterrcnn_resnet50_fpn_coco-258fb6c6.pth")]
    [TestCase("http://localhost:80/x", "http://localhost/x/models/fasterrcnn_resnet50_fpn_coco-258fb6c6.pth")]
    public void A_mirror_keeps_the_paths_of_the_publisher(string? mirror, string url)
        => Assert.That(ModelZoo.All[0].DownloadUrl(mirror).AbsoluteUri, Is.EqualTo(url));

    [TestCase("host/folder")]
    [TestCase("http://host/folder")]
    [TestCase("file:///folder")]
    [TestCase("https://host/?folder=")]
    public void A_mirror_without_https_is_refused(string mirror)
    {
        var e = Assert.Throws<WeightsException>(() => ModelZoo.All[0].DownloadUrl(mirror));
        Assert.That(e!.Message, Does.Contain("FPN_ZOO_URL").And.Contain(mirror));
    }

    [TestCase("")]
    [TestCase("12G")]
    [TestCase("ABCDEF")]
    [TestCase("0123456789abcdef0123456789abcdef0")]
    public void An_invalid_digest_is_refused(string digits)
        => Assert.Throws<ArgumentException>(() => _ = new ModelDigest(DigestAlgorithm.Md5, digits));

    [Test]
    public void The_cache_is_where_the_environment_variables_say()
    {
        var root = Path.GetTempPath();
        var variables = new Dictionary<string, string?> { ["FPN_CACHE"] = Path.Join(root, "mine"), ["XDG_CACHE_HOME"] = root };
        Assert.That(ModelCache.OfUser(variables.GetValueOrDefault).Folder, Is.EqualTo(Path.Join(root, "mine")));

        variables["FPN_CACHE"] = "";
        if (OperatingSystem.IsLinux())
            Assert.That(ModelCache.OfUser(variables.GetValueOrDefault).Folder, Is.EqualTo(Path.Join(root, "fpn")));
    }

    [Test]
    public void Without_variables_the_cache_is_where_the_platform_keeps_caches()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var expected =
            OperatingSystem.IsWindows() ? Path.Join(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "fpn")
            : OperatingSystem.IsMacOS() ? Path.Join(home, "Library", "Caches", "fpn")
            : Path.Join(home, ".cache", "fpn");
        Assume.That(home, Is.Not.Empty, "the user has a home folder");

        Assert.That(ModelCache.OfUser(_ => null).Folder, Is.EqualTo(expected));
        Assert.That(ModelCache.OfUser(name => name == "XDG_CACHE_HOME" ? "relative" : null).Folder, Is.EqualTo(expected));
        Assert.That(
            ModelCache.OfUser(_ => null).PathOf(ModelZoo.All[0]),
            Is.EqualTo(Path.Join(expected, "fasterrcnn_resnet50_fpn.safetensors")));
    }
}
