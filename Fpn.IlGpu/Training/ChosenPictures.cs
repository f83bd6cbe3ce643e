using Fpn.IlGpu.Data;

namespace Fpn.IlGpu.Training;

/// <summary>Some of the pictures of a source.</summary>
/// <param name="source">The source.</param>
/// <param name="indices">Their indices in the source.</param>
internal sealed class ChosenPictures(IPictureSource source, int[] indices) : IPictureSource
{
    /// <inheritdoc/>
    public int Count => indices.Length;

    /// <inheritdoc/>
    public bool IsWide(int index) => source.IsWide(indices[index]);

    /// <inheritdoc/>
    public long IdOf(int index) => source.IdOf(indices[index]);

    /// <inheritdoc/>
    public string NameOf(int index) => source.NameOf(indices[index]);

    /// <inheritdoc/>
    public SourcePicture Read(int index, long epoch) => source.Read(indices[index], epoch);
}
