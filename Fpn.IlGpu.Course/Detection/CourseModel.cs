using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Course;

/// <summary>The shipped model on one picture: its weights for the course's kernels, and what the library computes, to compare with.</summary>
internal sealed class CourseModel
{
    // What `fpn detect` shows by default.
    private const float ScoreThreshold = 0.5f;

    private static readonly Lazy<Runtime.Device> Cpu = new(() => Runtime.Device.Open("cpu"));
    private static readonly Lazy<CourseModel> WholeSample = new(() => new CourseModel(Sample(), null));
    private static readonly Lazy<CourseModel> PartOfSample = new(() => new CourseModel(Part(Sample(), left: 96, side: 128), """{"min_size":128}"""));
    private static readonly Lazy<CourseModel> CornerOfSample = new(() => new CourseModel(Part(Sample(), left: 16, side: 64), """{"min_size":64}"""));

    private readonly FasterRcnn detector;
    private readonly Dictionary<string, float[]> weights = [];

    private CourseModel(RgbImage picture, string? overrides)
    {
        detector = (FasterRcnn)Detector.Load(Cpu.Value, null, overrides);
        detector.ScoreThreshold = ScoreThreshold;
        Trace = detector.Trace(picture);
        using var state = ShippedModel.Open();
        for (var i = 0; i < 4; i++)
        {
            foreach (var name in (string[])[$"inner_blocks.{i}.0", $"layer_blocks.{i}.0"])
            {
                weights[name + ".weight"] = ForKernels(state[$"backbone.fpn.{name}.weight"]);
                weights[name + ".bias"] = state[$"backbone.fpn.{name}.bias"].ToArray();
            }
        }
    }

    /// <summary>The sample picture, samples/shapes-320x320.png.</summary>
    public static CourseModel Whole => WholeSample.Value;

    /// <summary>A part of it, with small objects, on which regions and objects are checked.</summary>
    public static CourseModel PartOnly => PartOfSample.Value;

    /// <summary>A smaller part, on which the pyramid is checked.</summary>
    public static CourseModel CornerOnly => CornerOfSample.Value;

    /// <summary>What the library computes.</summary>
    public DetectionTrace Trace { get; }

    public IReadOnlyList<string> ClassNames => detector.Classes;

    public int Classes => detector.Classes.Count;

    public int Channels => Trace.Pyramid[2].Channels;

    public int InputW => Trace.Resized.Width;

    public int InputH => Trace.Resized.Height;

    /// <summary>P2 to P6 as the library computes them, at the indices 2 to 6.</summary>
    public Map[] Pyramid => [null!, null!, .. Trace.Pyramid.Select(Of)];

    public Map C(int level) => Of(Trace.BottomUp[level]);

    public float[] LateralWeights(int level) => weights[$"inner_blocks.{level - 2}.0.weight"];

    public float[] LateralBias(int level) => weights[$"inner_blocks.{level - 2}.0.bias"];

    public float[] SmoothWeights(int level) => weights[$"layer_blocks.{level - 2}.0.weight"];

    public float[] SmoothBias(int level) => weights[$"layer_blocks.{level - 2}.0.bias"];

    public float AnchorSize(int level) => detector.Configuration.AnchorSizes[level - 2][0];

    public (float[] Objectness, float[] Deltas) RpnHead(int level, Map map) => OnDevice(tape =>
    {
        using var maps = tape.NewMaps(level, [new Shape(1, map.H, map.W, map.C)]);
        maps.Values.Upload(map.Values);
        maps[level] = tape.New(maps.Memory(level));
        using var output = detector.Rpn.Head.Run(tape, maps);
        return (output.Objectness.Values.Download(), output.Deltas.Values.Download());
    });

    public (float[] Probabilities, float[] Deltas) BoxHead(float[] features) => OnDevice(tape =>
    {
        var count = features.Length / (Trace.Bins * Trace.Bins * Channels);
        if (count == 0)
            return ([], []);
        using var input = Tensor.Upload(Cpu.Value, new Shape(count, Trace.Bins, Trace.Bins, Channels), features);
        using var live = Cpu.Value.Upload<int>([count]);
        using var hidden = detector.BoxHead.Features(tape, tape.Input(input), live.View);
        using var predictions = detector.BoxHead.Predict(tape, hidden, live.View);
        return (Softmax(predictions.Logits.Value.ToArray()), predictions.Deltas.Value.ToArray());
    });

    private static T OnDevice<T>(Func<Tape, T> work)
    {
        lock (Cpu.Value.Lock)
        {
            using var scope = Cpu.Value.Memory.BeginPicture();
            using var tape = Tape.ForInference(Cpu.Value);
            return work(tape);
        }
    }

    private float[] Softmax(float[] logits) => [.. logits.Chunk(Classes).SelectMany(row =>
    {
        var powers = row.Select(v => MathF.Exp(v - row.Max())).ToArray();
        return powers.Select(p => p / powers.Sum());
    })];

    private static Map Of(TracedMap map) => new(map.Height, map.Width, map.Channels, map.Values);

    // From [K, C, kh, kw], PyTorch's order, to [kh, kw, C, K].
    private static float[] ForKernels(StateTensor tensor)
    {
        var (k, c, places) = (tensor.Shape[0], tensor.Shape[1], tensor.Shape[2] * tensor.Shape[3]);
        var (from, to) = (tensor.ToArray(), new float[k * c * places]);
        for (var i = 0; i < to.Length; i++)
            to[i] = from[(i % k * c + i / k % c) * places + i / k / c];
        return to;
    }

    private static RgbImage Sample() => PictureReader.Read(Path.Combine(AppContext.BaseDirectory, "samples", "shapes-320x320.png"));

    // A square at the upper edge.
    private static RgbImage Part(RgbImage picture, int left, int side)
    {
        var pixels = new byte[side * side * 3];
        for (var y = 0; y < side; y++)
            picture.Pixels.AsSpan((y * picture.Width + left) * 3, side * 3).CopyTo(pixels.AsSpan(y * side * 3));
        return new RgbImage(side, side, pixels);
    }
}
