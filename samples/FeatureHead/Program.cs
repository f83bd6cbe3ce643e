// A head of your own on the pyramid's features: learns from two folders which of two kinds a picture is, then says it of others.
//   dotnet run -c Release --project samples/FeatureHead -- cats dogs unknown.jpg …
// Any checkpoint gives the features: a detector or a backbone, a file or a published model (FeatureExtractor.LoadAsync).
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;

if (args.Length < 3)
{
    Console.Error.WriteLine("Usage: FeatureHead FOLDER_A FOLDER_B PICTURE…");
    return 2;
}
using var device = Device.Open();
using var extractor = FeatureExtractor.Load(device);
var head = new LogisticHead(extractor.ChannelsOf("P5"));
head.Learn([.. FeaturesIn(args[0]).Select(x => (x, 0f)), .. FeaturesIn(args[1]).Select(x => (x, 1f))]);
foreach (var path in args[2..])
{
    var b = head.Probability(FeaturesOf(path));
    Console.WriteLine($"{path}: {(b < 0.5 ? Path.GetFileName(args[0]) : Path.GetFileName(args[1]))} {Math.Max(b, 1 - b):0.00}");
}
return 0;

IEnumerable<float[]> FeaturesIn(string folder) => Directory.EnumerateFiles(folder).Order().Select(FeaturesOf);

// The mean of P5 over the picture, [C]; without the padding at its right and bottom.
float[] FeaturesOf(string path)
{
    using var features = extractor.Extract(PictureReader.Read(path), ["P5"]);
    var (map, frame) = (features["P5"].ToHost(), features.Frames[0]);
    var rows = (frame.ResizedHeight + map.StridePx - 1) / map.StridePx;
    var columns = (frame.ResizedWidth + map.StridePx - 1) / map.StridePx;
    var mean = new float[map.Shape.C];
    for (var y = 0; y < rows; y++)
    {
        for (var x = 0; x < columns; x++)
        {
            for (var c = 0; c < mean.Length; c++)
                mean[c] += map[0, y, x, c] / (rows * columns);
        }
    }
    return mean;
}

/// <summary>p = sigmoid(w · x + b), trained by gradient descent on the mean cross-entropy, with features scaled to unit variance.</summary>
internal sealed class LogisticHead(int channels)
{
    private readonly float[] weights = new float[channels];
    private readonly float[] mean = new float[channels];
    private readonly float[] scale = new float[channels];
    private float bias;

    public void Learn((float[] Features, float Label)[] samples, int steps = 500, float rate = 0.5f)
    {
        for (var c = 0; c < channels; c++)
        {
            mean[c] = samples.Average(s => s.Features[c]);
            scale[c] = 1 / MathF.Sqrt(samples.Average(s => MathF.Pow(s.Features[c] - mean[c], 2)) + 1e-6f);
        }
        for (var step = 0; step < steps; step++)
        {
            foreach (var (features, label) in samples)
            {
                var error = rate * (label - Probability(features)) / samples.Length;
                for (var c = 0; c < channels; c++)
                    weights[c] += error * (features[c] - mean[c]) * scale[c];
                bias += error;
            }
        }
    }

    public float Probability(float[] features)
    {
        var sum = bias;
        for (var c = 0; c < channels; c++)
            sum += weights[c] * (features[c] - mean[c]) * scale[c];
        return 1 / (1 + MathF.Exp(-sum));
    }
}
