using System.Globalization;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Data;

/// <summary>
/// A source of pictures with their objects, to train or evaluate a detector. Two members are enough:
/// <code>
/// sealed class MyPictures : IPictureSource
/// {
///     public int Count =&gt; files.Length;
///     public SourcePicture Read(int index, long epoch) =&gt; new(PictureReader.Read(files[index]), objects[index]);
/// }
/// </code>
/// Its members are called from several threads concurrently.
/// </summary>
public interface IPictureSource
{
    /// <summary>The number of pictures in an epoch, at least 1.</summary>
    int Count { get; }

    /// <summary>
    /// Whether a picture is wider than high; known before it is read, so that a batch has pictures of one kind and little padding. By
    /// default all count as high.
    /// </summary>
    /// <param name="index">The picture, from 0 to <see cref="Count"/> − 1.</param>
    bool IsWide(int index) => false;

    /// <summary>The number by which results files refer to a picture; by default they count from 1.</summary>
    /// <param name="index">The picture, from 0 to <see cref="Count"/> − 1.</param>
    long IdOf(int index) => index + 1;

    /// <summary>The name of a picture in messages; by default its id.</summary>
    /// <param name="index">The picture, from 0 to <see cref="Count"/> − 1.</param>
    string NameOf(int index) => string.Create(CultureInfo.InvariantCulture, $"picture {IdOf(index)}");

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
