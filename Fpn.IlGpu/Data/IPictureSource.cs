using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Data;

/// <summary>A source of training pictures. Its members are called from several threads concurrently.</summary>
public interface IPictureSource
{
    /// <summary>The number of pictures in an epoch, at least 1.</summary>
    int Count { get; }

    /// <summary>Whether a picture is wider than high; known before it is read.</summary>
    /// <param name="index">The picture, from 0 to <see cref="Count"/> − 1.</param>
    bool IsWide(int index);

    /// <summary>The number by which results files refer to a picture.</summary>
    /// <param name="index">The picture, from 0 to <see cref="Count"/> − 1.</param>
    long IdOf(int index);

    /// <summary>The name of a picture in messages.</summary>
    /// <param name="index">The picture, from 0 to <see cref="Count"/> − 1.</param>
    string NameOf(int index);

    /// <summary>Reads or generates a picture; the same arguments give the same picture.</summary>
    /// <param name="index">The picture, from 0 to <see cref="Count"/> − 1.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <exception cref="PictureException">The picture can't be used.</exception>
    SourcePicture Read(int index, long epoch);
}

/// <summary>A picture as read, with its objects.</summary>
/// <param name="Image">The picture; the receiver owns it.</param>
/// <param name="Objects">The objects, in px of the picture.</param>
public sealed record SourcePicture(RgbImage Image, IReadOnlyList<AnnotatedObject> Objects);
