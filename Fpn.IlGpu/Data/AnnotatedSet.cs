namespace Fpn.IlGpu.Data;

/// <summary>A class of objects.</summary>
/// <param name="Id">Its number in the files of the set; COCO's have gaps.</param>
/// <param name="Name">What people call it.</param>
public sealed record AnnotatedCategory(long Id, string Name);

/// <summary>Pictures with what is to be found in them: what a detector is trained on, or held to.</summary>
/// <param name="Pictures">In the order of the files they come from.</param>
/// <param name="Categories">By <see cref="AnnotatedObject.ClassIndex"/>; no background.</param>
public sealed record AnnotatedSet(IReadOnlyList<AnnotatedPicture> Pictures, IReadOnlyList<AnnotatedCategory> Categories)
{
    /// <summary>The folder in which the pictures' files are; empty where there are no files.</summary>
    public string Folder { get; init; } = "";

    /// <summary>What was wrong with the annotations, and was skipped or mended.</summary>
    public AnnotationProblems Problems { get; init; } = new();

    /// <summary>The path of a picture's file.</summary>
    public string PathOf(AnnotatedPicture picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        return Path.Join(Folder, picture.FileName);
    }
}
