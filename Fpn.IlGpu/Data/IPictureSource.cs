using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Data;

/// <summary>Where training pictures come from. Its members are called from several threads at once.</summary>
public interface IPictureSource
{
    /// <summary>How many pictures make an epoch, at least 1.</summary>
    int Count { get; }

    /// <summary>Whether a picture is wider than high, which is known before it is read.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> − 1.</param>
    bool IsWide(int index);

    /// <summary>The number by which files of results name a picture.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> − 1.</param>
    long IdOf(int index);

    /// <summary>What to call a picture in messages.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> − 1.</param>
    string NameOf(int index);

    /// <summary>Reads or makes a picture; the same arguments give the same one.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> − 1.</param>
    /// <param name="epoch">From 0.</param>
    /// <exception cref="PictureException">It can't be used.</exception>
    SourcePicture Read(int index, long epoch);
}

/// <summary>A picture as it was read, with what is in it.</summary>
/// <param name="Image">The picture; the receiver owns it.</param>
/// <param name="Objects">In px of the picture.</param>
public sealed record SourcePicture(RgbImage Image, IReadOnlyList<AnnotatedObject> Objects);
