using System.Globalization;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// The framework that some weights come from, recognised by their tensor names. It determines what the names mean and, where
/// the file does not say, which conventions the weights were trained with. Sources: torchvision 0.14's models/detection,
/// Detectron2's configs and defaults, Detectron's core/config.
/// </summary>
internal sealed class WeightsSource
{
    private static readonly WeightsSource Torchvision = new(NameTables.Torchvision, TorchvisionConventions);
    private static readonly WeightsSource TorchvisionBackbone = new(
        NameTables.Torchvision, TorchvisionConventions, BackboneNames.Torchvision);

    private static readonly WeightsSource TimmMobileNet = new(NameTables.Torchvision, TorchvisionConventions, BackboneNames.TimmMobileNet);
    private static readonly WeightsSource Detectron2 = new(NameTables.Detectron2, Detectron2Conventions, BackboneNames.Detectron2);

    /// <summary>torchvision's classifiers under Detectron2's names: its convert-torchvision-to-d2.py calls them so.</summary>
    private static readonly WeightsSource ConvertedClassifier = new(
        NameTables.Detectron2, TorchvisionConventions, BackboneNames.Detectron2);

    private static readonly WeightsSource Caffe2 = new(NameTables.Caffe2, Caffe2Conventions);

    private readonly NameTable names;
    private readonly Func<string, string> nameInDetector;
    private readonly Func<StateDictionary, Dictionary<string, StateTensor>, ModelConfiguration> conventions;

    private WeightsSource(
        NameTable names, Func<StateDictionary, Dictionary<string, StateTensor>, ModelConfiguration> conventions,
        Func<string, string>? nameInDetector = null)
    {
        this.names = names;
        this.conventions = conventions;
        this.nameInDetector = nameInDetector ?? (name => name);
    }

    /// <summary>Returns the source of a file's tensors; torchvision unless the names indicate another one.</summary>
    public static WeightsSource Of(StateDictionary file)
    {
        var names = file.Tensors.Keys;
        if (HasAny(names, "backbone.bottom_up."))
            return Detectron2;
        if (HasAny(names, "stem.conv1.") || HasAny(names, "bottom_up.stem."))
            return HasAny(names, "stem.fc.") ? ConvertedClassifier : Detectron2;
        if (file.Contains("conv1_w") || HasAny(names, "res2_0_branch"))
            return Caffe2;
        if (file.Contains("conv_stem.weight"))
            return TimmMobileNet;
        return HasAny(names, "backbone.") || ModelParts.HasHead(names) ? Torchvision : TorchvisionBackbone;
    }

    /// <summary>Returns the name that a tensor has here, or null if it is left out.</summary>
    public string? Rename(string name) => names.Rename(nameInDetector(name));

    /// <summary>Returns the conventions that the source trains with; sizes and thresholds are its defaults.</summary>
    /// <param name="file">The tensors as they are named in the file.</param>
    /// <param name="tensors">The tensors under torchvision's names.</param>
    /// <param name="detector">The kind of detector; null for a backbone alone.</param>
    public ModelConfiguration Configuration(StateDictionary file, Dictionary<string, StateTensor> tensors, string? detector)
    {
        var configuration = conventions(file, tensors);
        if (detector == DetectorKind.RetinaNet && this != Detectron2 && this != Caffe2)
            configuration = TorchvisionModels.RetinaNet with { Classes = null, BatchNormEpsilon = configuration.BatchNormEpsilon };
        if (detector == DetectorKind.ProposalNetwork && this == Detectron2)
            configuration = configuration with { RpnPostNmsTopN = Detectron2Models.Proposals.RpnPostNmsTopN };
        return configuration with { Detector = detector ?? configuration.Detector };
    }

    /// <summary>
    /// Adds tensors that a source omits because they are constant: Caffe2's batch norms have only a scale and an offset; their
    /// mean is 0 and their variance 1.
    /// </summary>
    public void Complete(Dictionary<string, StateTensor> tensors)
    {
        if (this != Caffe2)
            return;
        foreach (var (name, gamma) in tensors.ToArray())
        {
            var norm = name[..Math.Max(0, name.LastIndexOf('.'))];
            var isNorm = norm.EndsWith(".downsample.1", StringComparison.Ordinal)
                || norm[(norm.LastIndexOf('.') + 1)..].StartsWith("bn", StringComparison.Ordinal);
            if (!isNorm || !name.EndsWith(".weight", StringComparison.Ordinal))
                continue;
            int[] shape = [.. gamma.Shape];
            Constant($"{norm}.running_mean", 0);
            Constant($"{norm}.running_var", 1);

            void Constant(string constant, float value)
            {
                if (!tensors.ContainsKey(constant))
                    tensors.Add(constant, StateTensor.FromValues(constant, shape, Enumerable.Repeat(value, (int)gamma.Count).ToArray()));
            }
        }
    }

    private static ModelConfiguration TorchvisionConventions(StateDictionary file, Dictionary<string, StateTensor> tensors)
    {
        var isMobileNet = HasAny(tensors.Keys, "backbone.body.1.block.");
        var configuration = isMobileNet ? TorchvisionModels.MobileNet : new ModelConfiguration();
        return configuration with
        {
            Classes = null,
            BatchNormEpsilon = StatedEpsilon(file) ?? (IsFrozenResNet50(file, tensors) ? 0 : configuration.BatchNormEpsilon),
        };
    }

    /// <summary>The ε that an ONNX file's batch norms have; it has no batch counts, from which the ε of other files is told.</summary>
    private static float? StatedEpsilon(StateDictionary file)
        => file.Metadata.TryGetValue(OnnxFile.EpsilonKey, out var text) && float.TryParse(text, CultureInfo.InvariantCulture, out var epsilon)
            && epsilon is >= 0 and <= 1
            ? epsilon
            : null;

    /// <summary>
    /// Whether these look like torchvision's first weights for COCO, whose batch norms were frozen with an ε of 0: a ResNet-50
    /// without batch counts, under a pyramid without batch norms. All other torchvision weights use the usual ε.
    /// </summary>
    private static bool IsFrozenResNet50(StateDictionary file, Dictionary<string, StateTensor> tensors)
        => !file.Tensors.Keys.Any(name => name.EndsWith(".num_batches_tracked", StringComparison.Ordinal))
            && !HasAny(tensors.Keys, "backbone.fpn.inner_blocks.0.1.")
            && tensors.TryGetValue("backbone.body.layer1.0.conv2.weight", out var conv) && conv.HasShape([64, 64, 3, 3])
            && tensors.ContainsKey("backbone.body.layer3.5.conv3.weight")
            && !HasAny(tensors.Keys, "backbone.body.layer3.6.");

    private static ModelConfiguration Detectron2Conventions(StateDictionary file, Dictionary<string, StateTensor> tensors)
    {
        var configuration = Detectron2Models.Conventions;
        var isGrouped = tensors.TryGetValue("backbone.body.layer1.0.conv2.weight", out var conv)
            && conv.Shape is [var k, var c, ..] && c < k;
        if (isGrouped)
            configuration = Detectron2Models.AsResNeXt(configuration);
        return configuration with
        {
            Mean = Channels(file, "pixel_mean") ?? configuration.Mean,
            Std = Channels(file, "pixel_std") ?? configuration.Std,
            Classes = IsCoco(tensors) ? [.. CocoClasses.BackgroundLast] : null,
            AnchorSizes = AnchorSizes(file) ?? configuration.AnchorSizes,
        };
    }

    /// <summary>
    /// The anchor sides that older files hold for each level, as boxes [A, 4] x1, y1, x2, y2 around 0; null if there are none.
    /// All anchors of a level have the same area.
    /// </summary>
    private static ValueList<ValueList<float>>? AnchorSizes(StateDictionary file)
    {
        const string Cells = "proposal_generator.anchor_generator.cell_anchors.";
        var levels = new List<ValueList<float>>();
        while (file.Tensors.TryGetValue($"{Cells}{levels.Count}", out var cells))
        {
            var sides = cells.ToArray().Chunk(4).Where(c => c.Length == 4)
                .Select(c => MathF.Round(MathF.Sqrt((c[2] - c[0]) * (c[3] - c[1])), 2)).Distinct().ToArray();
            if (sides is not [> 0 and < 1e5f])
            {
                throw new WeightsException(
                    $"{file.Source}: the tensor '{cells.Name}' has anchors of {sides.Length} sizes; only one size per level is supported.");
            }
            levels.Add(sides);
        }
        return levels.Count > 0 ? [.. levels] : null;
    }

    private static ModelConfiguration Caffe2Conventions(StateDictionary file, Dictionary<string, StateTensor> tensors)
    {
        var configuration = new ModelConfiguration
        {
            Bgr = true,
            PixelScale = 1,
            Mean = [102.9801f, 115.9465f, 122.7717f],
            Std = [1, 1, 1],
            StrideInFirstConvolution = true,
            BatchNormEpsilon = 0,
        };
        return IsCoco(tensors) ? configuration with { Classes = [CocoClasses.Background, .. CocoClasses.Contiguous] } : configuration;
    }

    private static bool IsCoco(Dictionary<string, StateTensor> tensors)
        => tensors.TryGetValue("roi_heads.box_predictor.cls_score.bias", out var bias) && bias.Count == CocoClasses.Contiguous.Count + 1;

    /// <summary>Three values, one per channel, that some Detectron2 files hold.</summary>
    private static float[]? Channels(StateDictionary file, string name)
    {
        if (!file.Tensors.TryGetValue(name, out var tensor) || tensor.Count != 3)
            return null;
        var values = tensor.ToArray();
        return Array.TrueForAll(values, float.IsFinite) && (name == "pixel_mean" || !values.Contains(0))
            ? values
            : throw new WeightsException($"{file.Source}: the tensor '{name}' has the invalid values {string.Join(", ", values)}.");
    }

    private static bool HasAny(IEnumerable<string> names, string prefix)
        => names.Any(name => name.StartsWith(prefix, StringComparison.Ordinal));
}
