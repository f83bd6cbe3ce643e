namespace Fpn.IlGpu.Data;

/// <summary>One picture of a set, with what is to be found in it.</summary>
/// <param name="Id">Its number in the set, by which results name it; no other has it.</param>
/// <param name="FileName">Its file, relative to the set's folder of pictures (<see cref="AnnotatedSet.Folder"/>).</param>
/// <param name="Width">In px.</param>
/// <param name="Height">In px.</param>
/// <param name="Objects">None is fine: a picture in which nothing is to be found.</param>
public sealed record AnnotatedPicture(long Id, string FileName, int Width, int Height, IReadOnlyList<AnnotatedObject> Objects);
