using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>
/// Pictures of small discs, each in the middle of a square frame of one of four colours. Either only the frame has the colour, which is
/// the disc's class, or, as a control, only the disc. A disc is 11 to 17 px wide and its frame 46 px away: a neuron of C2, even after a
/// 3×3, sees the disc but not the frame. A seed always gives the same picture. May be used from several threads at the same time.
/// </summary>
internal sealed class DiscPictures(ShapesData data) : IPictureSource
{
    private const int Cell = 128;
    private const int FrameRadius = 46;
    private const int FrameWidth = 4;
    private const double LeastDisc = 11;
    private const double MostDisc = 17;
    private const double ShareOfCells = 0.75;
    private const double NoiseDeviation = 6;

    private static readonly Colour Grey = new(150, 150, 150);
    private static readonly Colour[] Colours = [new(210, 60, 60), new(60, 180, 60), new(70, 90, 220), new(210, 190, 50)];

    /// <summary>The names of the colours, which are the classes.</summary>
    public static IReadOnlyList<string> Classes { get; } = ["red", "green", "blue", "yellow"];

    /// <inheritdoc/>
    public int Count => data.Count;

    /// <inheritdoc/>
    public bool IsWide(int index) => data.Width > data.Height;

    /// <inheritdoc/>
    public long IdOf(int index) => index + 1;

    /// <inheritdoc/>
    public string NameOf(int index) => $"the scene of seed {data.FirstSeed + (long)index}";

    /// <inheritdoc/>
    public SourcePicture Read(int index, long epoch)
    {
        var random = new SeededRandom((ulong)(data.FirstSeed + (long)index));
        var image = Background(random);
        var objects = new List<AnnotatedObject>();
        for (var top = 0; top + Cell <= data.Height; top += Cell)
        {
            for (var left = 0; left + Cell <= data.Width; left += Cell)
            {
                if (random.NextUnit() >= ShareOfCells)
                    continue;
                var (kind, box) = DrawFrameAndDisc(random, image, left, top);
                if (data.Annotated is null || data.Annotated == Classes[kind])
                    objects.Add(new AnnotatedObject(box, data.Annotated is null ? kind : 0));
            }
        }
        for (var i = 0; i < image.Pixels.Length; i++)
            image.Pixels[i] = (byte)Math.Clamp(image.Pixels[i] + NoiseDeviation * NormalNoise.Next(random), 0, 255);
        return new SourcePicture(image, objects);
    }

    private RgbImage Background(SeededRandom random)
    {
        var image = new RgbImage(data.Width, data.Height);
        image.Pixels.AsSpan().Fill((byte)random.NextUniform(40, 80));
        return image;
    }

    private (int Kind, Box Box) DrawFrameAndDisc(SeededRandom random, RgbImage image, int left, int top)
    {
        const int outer = FrameRadius + FrameWidth;
        var kind = random.NextInteger(0, Classes.Count);
        var (x, y) = (left + random.NextInteger(outer, Cell - outer + 1), top + random.NextInteger(outer, Cell - outer + 1));
        var isContext = data.Scene == SceneKind.FramedDiscs;
        for (var dy = -outer; dy < outer; dy++)
        {
            for (var dx = -outer; dx < outer; dx++)
            {
                if (dx is < -FrameRadius or >= FrameRadius || dy is < -FrameRadius or >= FrameRadius)
                    Mix(image, x + dx, y + dy, isContext ? Colours[kind] : Grey, cover: 1);
            }
        }
        var radius = random.NextUniform(LeastDisc, MostDisc) / 2;
        var reach = (int)Math.Ceiling(radius);
        for (var dy = -reach; dy < reach; dy++)
        {
            for (var dx = -reach; dx < reach; dx++)
                Mix(image, x + dx, y + dy, isContext ? Grey : Colours[kind], Cover(dx, dy, radius));
        }
        return (kind, new Box((float)(x - radius), (float)(y - radius), (float)(x + radius), (float)(y + radius)));
    }

    /// <summary>The share of a px that lies within a disc around the origin, from 4 × 4 points in it.</summary>
    private static double Cover(int x, int y, double radius)
    {
        const int points = 4;
        var inside = 0;
        for (var i = 0; i < points * points; i++)
        {
            var (px, py) = (x + (i % points + 0.5) / points, y + (i / points + 0.5) / points);
            if (px * px + py * py < radius * radius)
                inside++;
        }
        return (double)inside / (points * points);
    }

    private static void Mix(RgbImage image, int x, int y, Colour colour, double cover)
    {
        var i = (y * image.Width + x) * RgbImage.Channels;
        for (var c = 0; c < RgbImage.Channels; c++)
            image.Pixels[i + c] = (byte)(image.Pixels[i + c] * (1 - cover) + colour[c] * cover);
    }
}
