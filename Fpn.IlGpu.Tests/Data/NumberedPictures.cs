using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Tests.Data;

/// <summary>Pictures whose pixels count up. Every other one is wide, and some are broken.</summary>
internal sealed class NumberedPictures(int count, params int[] broken) : IPictureSource
{
    public int Count => count;

    public long IdOf(int index) => index;

    public bool IsWide(int index) => index % 2 == 0;

    public string NameOf(int index) => $"picture {index}";

    public SourcePicture Read(int index, long epoch)
    {
        // Random delays, so that threads overtake each other.
        Thread.Sleep((int)new KeyedRandom(index, epoch).NextBelow(3));
        if (broken.Contains(index))
            throw new PictureException($"{NameOf(index)} is broken.");
        var image = IsWide(index) ? new RgbImage(7, 5) : new RgbImage(5, 7);
        for (var i = 0; i < image.Pixels.Length; i++)
            image.Pixels[i] = (byte)(i + index);
        return new SourcePicture(image,
        [
            new AnnotatedObject(new Box(1, 2, 3, 5), index), new AnnotatedObject(new Box(0, 0, 5, 4), 2) { IsCrowd = true },
        ]);
    }
}
