using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Training;

/// <summary>
/// The configuration of a training run. Its file is JSON with comments and keys in snake_case; absent keys have the defaults below.
/// <code>
/// {
///   "data": { "shapes": { "width": 320, "height": 320 } },
///   "network": { "layout": "resnet18", "widths": [32, 64, 128, 256], "pyramid_channels": 96, "head_channels": 256 },
///   "schedule": { "steps": 4000, "batch": 8, "learning_rate": 0.02, "decay": "cosine" },
///   "model": { "min_size": 320, "max_size": 640, "anchor_sizes": [16, 32, 64, 128, 256] }
/// }
/// </code>
/// </summary>
public sealed record TrainingConfiguration
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        AllowDuplicateProperties = false,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    /// <summary>The data to train on, and how; a file must have it. Pictures of your own are given to the trainer instead.</summary>
    [JsonRequired]
    public TrainingData Data { get; init; } = new();

    /// <summary>The network to train.</summary>
    public NetworkLayout Network { get; init; } = new();

    /// <summary>The steps, the learning rate, and the optimiser's other settings.</summary>
    public TrainingSchedule Schedule { get; init; } = new();

    /// <summary>The evaluation while training; null for none.</summary>
    public TrainingValidation? Validation { get; init; }

    /// <summary>How the region proposal network is trained.</summary>
    public ProposalTraining Rpn { get; init; } = new();

    /// <summary>How the box head is trained.</summary>
    public BoxTraining BoxHead { get; init; } = new();

    /// <summary>How RetinaNet's head is trained.</summary>
    public RetinaTraining Retina { get; init; } = new();

    /// <summary>How the head that proposes masks is trained.</summary>
    public MaskProposalTraining MaskProposals { get; init; } = new();

    /// <summary>
    /// Keys of <see cref="ModelConfiguration"/>: the anchors, sizes, thresholds and conventions of the trained model.
    /// </summary>
    public JsonElement? Model { get; init; }

    /// <summary>The seed of all random numbers.</summary>
    public long Seed { get; init; }

    /// <summary>Whether the network learns masks.</summary>
    internal bool LearnsMasks => DetectorOf(Model) is DetectorKind.MaskRcnn or DetectorKind.MaskProposals;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file; by convention the paths in it are relative to its folder, see <see cref="Trainer"/>.</param>
    /// <exception cref="TrainingException">
    /// The file is missing, is not valid JSON (the message names line and column), or has invalid values.
    /// </exception>
    public static TrainingConfiguration Load(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        string json;
        try
        {
            json = File.ReadAllText(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new TrainingException($"{path}: there is no such training configuration.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            var why = Directory.Exists(path) ? "it is a folder" : e.Message.TrimEnd('.');
            throw new TrainingException($"{path}: the training configuration can't be read ({why}).", e);
        }
        return Parse(json, path);
    }

    /// <summary>Reads JSON.</summary>
    /// <param name="json">The text.</param>
    /// <param name="source">The name of the source in messages.</param>
    /// <exception cref="TrainingException">The text is not valid JSON, or has invalid values.</exception>
    public static TrainingConfiguration Parse(string json, string source = "the configuration") => Parse(json, source, hasPictures: false);

    /// <summary>Reads JSON.</summary>
    /// <param name="json">The text.</param>
    /// <param name="source">The name of the source in messages.</param>
    /// <param name="hasPictures">Whether the pictures are given apart, so that the data need not name files.</param>
    /// <exception cref="TrainingException">The text is not valid JSON, or has invalid values.</exception>
    internal static TrainingConfiguration Parse(string json, string source, bool hasPictures)
    {
        ArgumentNullException.ThrowIfNull(json);
        try
        {
            var configuration = JsonSerializer.Deserialize<TrainingConfiguration>(json, Options)
                ?? throw new TrainingException($"{source}: a training configuration must be a JSON object.");
            configuration.Check(source, hasPictures);
            return configuration;
        }
        catch (JsonException e)
        {
            throw new TrainingException(new ConfigurationSentence(source, Options).Of(e), e);
        }
    }

    /// <summary>The whole configuration as JSON, for checkpoints.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Options);

    /// <summary>The conventions and settings of the model.</summary>
    /// <param name="classes">The class names by class index, without the background.</param>
    /// <param name="start">The weights that training starts from, whose conventions are kept unless <see cref="Model"/> has others.</param>
    /// <exception cref="WeightsException">A key is unknown or has an invalid value.</exception>
    /// <exception cref="TrainingException">Such a model can't be trained.</exception>
    internal ModelConfiguration ModelConfiguration(IReadOnlyList<string> classes, StartingWeights? start = null)
    {
        var model = ModelOf(DetectorOf(Model), classes);
        if (start is not null)
            model = start.ConventionsFor(model, Network.BatchNorm);
        if (Model is { } json)
            model = ModelConfigurationJson.Read(json, model);
        // The background is one of the classes, but not of RetinaNet's.
        if (model.Detector != DetectorKind.RetinaNet)
            model = model with { Classes = model.BackgroundLast ? [.. classes, "background"] : ["background", .. classes] };
        if (!DetectorKind.All.Contains(model.Detector))
        {
            throw new TrainingException(
                $"'model.detector' is {WeightsException.Quote(model.Detector)}; the trainable ones are {string.Join(", ", DetectorKind.All)}.");
        }
        if (model.Detector == DetectorKind.RetinaNet && model.Pyramid != PyramidKind.Fpn)
            throw new TrainingException($"A {DetectorKind.RetinaNet} needs 'model.pyramid' to be {PyramidKind.Fpn}.");
        if (model.Detector == DetectorKind.FastRcnn != (Data.Proposals is not null))
        {
            throw new TrainingException(
                $"A {DetectorKind.FastRcnn} must be trained on the proposals that 'data.proposals' names; other detectors can't use them.");
        }
        if (model.Pyramid == PyramidKind.SingleMap && !Network.SharedRpnHead)
            throw new TrainingException("'network.shared_rpn_head' must be true for a single map, which has only one level.");
        return model;
    }

    /// <summary>The kind of detector that the keys of the model name.</summary>
    private static string DetectorOf(JsonElement? model)
        => model is { } json ? ModelConfigurationJson.Read(json).Detector : DetectorKind.FasterRcnn;

    /// <summary>torchvision's configuration of the detector, on the configured backbone.</summary>
    private ModelConfiguration ModelOf(string detector, IReadOnlyList<string> classes)
    {
        var model = detector == DetectorKind.RetinaNet ? TorchvisionModels.RetinaNet
            : BackboneLayouts.IsMobileNet(Network.Layout) ? TorchvisionModels.MobileNet
            : new ModelConfiguration();
        return model with { Detector = detector, Classes = [.. classes] };
    }

    /// <summary>Returns this configuration with the model's settings, as far as they differ from the defaults.</summary>
    /// <param name="model">
    /// The settings, for example <c>new ModelConfiguration { MinSize = 320, MaxSize = 640 }</c>. Its classes are not used: they are those of
    /// the data.
    /// </param>
    public TrainingConfiguration WithModel(ModelConfiguration model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var keys = model.Differences().Select(key => $"{JsonSerializer.Serialize(key.Key)}: {key.Value}")
            .Prepend($"\"detector\": {JsonSerializer.Serialize(model.Detector)}");
        return this with { Model = JsonElement.Parse($"{{ {string.Join(", ", keys)} }}") };
    }

    /// <summary>Checks all values.</summary>
    /// <param name="source">The name of the configuration in messages.</param>
    /// <param name="hasPictures">Whether the pictures are given apart.</param>
    /// <exception cref="TrainingException">A value is invalid.</exception>
    internal void Check(string source, bool hasPictures = false)
    {
        var problem = Data.Problem(hasPictures) ?? Network.Problem() ?? Schedule.Problem() ?? Validation?.Problem(Data, hasPictures) ?? Rpn.Problem()
            ?? BoxHead.Problem() ?? Retina.Problem() ?? MaskProposals.Problem();
        if (problem is not null)
            throw new TrainingException($"{source}: {problem}.");
        CheckModel(source);
    }

    private void CheckModel(string source)
    {
        if (Model is not { } json)
            return;
        try
        {
            var unknown = ModelConfigurationJson.Read(json).UnknownKeys;
            if (unknown.Length > 0)
                throw new TrainingException($"{source}: 'model' can't be used. {ModelConfigurationJson.SentenceOfUnknown(unknown[0])}");
        }
        catch (WeightsException e)
        {
            throw new TrainingException($"{source}: 'model' can't be used. {e.Message}", e);
        }
        if (json.TryGetProperty("classes", out _))
            throw new TrainingException($"{source}: 'model.classes' can't be set: the classes are those of the data.");
    }
}

/// <summary>The data to train on: exactly one of the three sources.</summary>
public sealed record TrainingData
{
    /// <summary>The library's synthetic scenes.</summary>
    public ShapesData? Shapes { get; init; }

    /// <summary>Pictures with annotations in COCO's format.</summary>
    public CocoData? Coco { get; init; }

    /// <summary>A folder in the layout of Pascal VOC.</summary>
    public VocData? Voc { get; init; }

    /// <summary>What to do with pictures that EXIF data say are turned; it must be what whoever annotated them saw.</summary>
    public ExifUse Exif { get; init; }

    /// <summary>
    /// Whether pictures without an object that counts are left out, as by torchvision's references and by Detectron2
    /// (<c>FILTER_EMPTY_ANNOTATIONS</c>). If not, they are learned as background.
    /// </summary>
    public bool FilterEmpty { get; init; } = true;

    /// <summary>Whether each picture is mirrored left to right with a probability of 0.5.</summary>
    public bool Flip { get; init; } = true;

    /// <summary>
    /// Lengths of the shorter side, in px, from which one is drawn for each picture; empty for the model's <c>min_size</c>.
    /// </summary>
    public int[] ShorterSides { get; init; } = [];

    /// <summary>Further augmentation; null for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public AugmentData? Augment { get; init; }

    /// <summary>
    /// A file of proposals for the pictures, as <c>fpn proposals</c> writes it. Required for Fast R-CNN, which does not find proposals
    /// itself; not allowed for other detectors.
    /// </summary>
    public string? Proposals { get; init; }

    /// <summary>The number of batches to prepare ahead of the device.</summary>
    public int Ahead { get; init; } = 2;

    /// <summary>The number of threads that read and augment pictures; it has no effect on the result.</summary>
    public int Workers { get; init; } = 2;

    internal string? Problem(bool hasPictures)
    {
        if (!hasPictures && new object?[] { Shapes, Coco, Voc }.Count(d => d is not null) != 1)
            return "'data' takes exactly one of 'shapes', 'coco' and 'voc'";
        if (ShorterSides.Any(side => side is < 32 or > 8192))
            return "'data.shorter_sides' takes lengths from 32 to 8192 px";
        if (Augment?.Problem(ShorterSides) is { } wrong)
            return wrong;
        if (Shapes is { } shapes && shapes.Problem("data.shapes") is { } problem)
            return problem;
        return Ahead is < 1 or > 64 || Workers is < 1 or > 64 ? "'data.ahead' and 'data.workers' must be from 1 to 64" : null;
    }
}

/// <summary>The synthetic scenes; see <c>docs/data.md</c>.</summary>
public sealed record ShapesData
{
    private const int LeastSide = 21;
    private const int LeastSideWithFrames = 128;
    private const int MostSide = 8192;

    /// <summary>What the scenes show.</summary>
    public SceneKind Scene { get; init; } = SceneKind.Shapes;

    /// <summary>The only class that is annotated; null for all. The others' objects stay in the picture.</summary>
    public string? Annotated { get; init; }

    /// <summary>The width of a scene, in px.</summary>
    public int Width { get; init; } = 320;

    /// <summary>The height of a scene, in px.</summary>
    public int Height { get; init; } = 320;

    /// <summary>The seed of the first scene; the following scenes have consecutive seeds.</summary>
    public int FirstSeed { get; init; } = 1_000_000;

    /// <summary>The number of different scenes.</summary>
    public int Count { get; init; } = 1_000_000;

    /// <summary>The smallest size of a shape (twice the radius), in px; for <see cref="SceneKind.Shapes"/>.</summary>
    public double Smallest { get; init; } = 10;

    /// <summary>The largest size of a shape, in px; for <see cref="SceneKind.Shapes"/>.</summary>
    public double Largest { get; init; } = 280;

    internal string? Problem(string key)
    {
        if (Width is < LeastSide or > MostSide || Height is < LeastSide or > MostSide)
            return $"'{key}' takes 'width' and 'height' from {LeastSide} to {MostSide} px";
        if (Scene != SceneKind.Shapes && Math.Min(Width, Height) < LeastSideWithFrames)
            return $"'{key}' takes 'width' and 'height' from {LeastSideWithFrames} px for scenes with frames";
        if (Count < 1 || FirstSeed < 0)
            return $"'{key}' takes a 'count' of at least 1 and a 'first_seed' of at least 0";
        return Smallest >= 1 && Largest >= Smallest
            ? null
            : $"'{key}' takes a 'smallest' of at least 1 px and a 'largest' of at least 'smallest'";
    }
}

/// <summary>Pictures with annotations in COCO's format.</summary>
/// <param name="Annotations">The JSON file of instances.</param>
/// <param name="Pictures">The folder of the pictures.</param>
public sealed record CocoData(string Annotations, string Pictures);

/// <summary>Pictures with annotations in Pascal VOC's format.</summary>
/// <param name="Folder">The folder that contains <c>Annotations</c>, <c>ImageSets</c> and <c>JPEGImages</c>.</param>
/// <param name="Split">The name of the list of pictures, such as <c>trainval</c>; null for all pictures with annotations.</param>
public sealed record VocData(string Folder, string? Split = null);
