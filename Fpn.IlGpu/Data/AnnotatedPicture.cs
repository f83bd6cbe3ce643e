namespace Fpn.IlGpu.Data;

/// <summary>A picture of a set, with its objects.</summary>
/// <param name="Id">The picture's unique number in the set, by which results refer to it.</param>
/// <param name="FileName">The path of the file, relative to the set's picture folder (<see cref="AnnotatedSet.Folder"/>).</param>
/// <param name="Width">Width in px.</param>
/// <param name="Height">Height in px.</param>
/// <param name="Objects">The objects; empty for a picture with nothing to find.</param>
public sealed record AnnotatedPicture(long Id, string FileName, int Width, int Height, IReadOnlyList<AnnotatedObject> Objects)
{
    /// <summary>Whether it has no object that counts: none, or only crowds and ignored ones.</summary>
    public bool IsEmpty => Objects.All(o => o.IsCrowd || o.IsIgnored);
}
