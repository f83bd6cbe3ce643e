using System.Collections.Concurrent;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>Reads each picture of a source once. Drawing the same few scenes again in each step takes longer than to learn them.</summary>
internal sealed class RememberedPictures(IPictureSource source) : IPictureSource
{
    private readonly ConcurrentDictionary<int, SourcePicture> read = [];

    public int Count => source.Count;

    public bool IsWide(int index) => source.IsWide(index);

    public long IdOf(int index) => source.IdOf(index);

    public string NameOf(int index) => source.NameOf(index);

    public SourcePicture Read(int index, long epoch)
    {
        var (image, objects) = read.GetOrAdd(index, i => source.Read(i, epoch: 0));
        var copy = new RgbImage(image.Width, image.Height);
        image.Pixels.CopyTo(copy.Pixels, 0);
        return new SourcePicture(copy, objects);
    }
}
