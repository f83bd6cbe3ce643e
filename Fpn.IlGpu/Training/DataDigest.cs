using System.Security.Cryptography;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Evaluation;

namespace Fpn.IlGpu.Training;

/// <summary>
/// SHA-256 over what a run learns from, so that a resumed run does not go on with other data: the pictures that are used, in their order,
/// with names, sizes and lengths of their files, and their objects. Where the files lie does not count, nor does what is not used.
/// </summary>
internal static class DataDigest
{
    /// <summary>The digest of the pictures of a set.</summary>
    /// <param name="set">The set, without pictures that are not used.</param>
    /// <param name="proposals">The file of proposals; null for none.</param>
    public static string Of(AnnotatedSet set, string? proposals) => Of(data =>
    {
        foreach (var picture in set.Pictures)
        {
            data.Write(picture.FileName.Replace('\\', '/'));
            data.Write(new FileInfo(set.PathOf(picture)).Length);
            data.Write(picture.Width);
            data.Write(picture.Height);
            data.Write(picture.Objects.Count);
            foreach (var annotated in picture.Objects)
                Write(data, annotated);
        }
        WriteFile(data, proposals);
    });

    /// <summary>The digest of pictures that the caller has opened, of which only names and numbers are known.</summary>
    /// <param name="pictures">The pictures.</param>
    /// <param name="proposals">The file of proposals; null for none.</param>
    public static string Of(IPictureSource pictures, string? proposals) => Of(data =>
    {
        data.Write(pictures.Count);
        for (var i = 0; i < pictures.Count; i++)
        {
            data.Write(pictures.NameOf(i));
            data.Write(pictures.IdOf(i));
            data.Write(pictures.IsWide(i));
        }
        WriteFile(data, proposals);
    });

    /// <summary>The digest of what a run is validated on.</summary>
    /// <param name="truth">The pictures and their objects.</param>
    public static string Of(EvaluationTruth truth) => Of(data =>
    {
        foreach (var picture in truth.Pictures)
        {
            data.Write(picture.Id);
            data.Write(picture.FileName.Replace('\\', '/'));
        }
        var names = truth.Categories.ToDictionary(category => category.Id, category => category.Name);
        foreach (var item in truth.Objects)
        {
            data.Write(item.PictureId);
            data.Write(names[item.CategoryId]);
            data.Write(item.BoxImagePx.X);
            data.Write(item.BoxImagePx.Y);
            data.Write(item.BoxImagePx.Width);
            data.Write(item.BoxImagePx.Height);
            data.Write(item.IsCrowd);
            data.Write(item.Mask?.ToCocoString() ?? "");
        }
    });

    private static string Of(Action<BinaryWriter> write)
    {
        using var hash = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, hash, CryptoStreamMode.Write))
        using (var data = new BinaryWriter(new BufferedStream(stream, 1 << 16)))
            write(data);
        return Convert.ToHexStringLower(hash.Hash!);
    }

    private static void Write(BinaryWriter data, AnnotatedObject annotated)
    {
        var box = annotated.BoxImagePx;
        data.Write(box.X1);
        data.Write(box.Y1);
        data.Write(box.X2);
        data.Write(box.Y2);
        data.Write(annotated.ClassIndex);
        data.Write(annotated.IsCrowd || annotated.IsIgnored);
        data.Write(annotated.Mask?.ToCocoString() ?? "");
    }

    private static void WriteFile(BinaryWriter data, string? path)
    {
        if (path is null)
            return;
        using var file = File.OpenRead(path);
        data.Write(SHA256.HashData(file));
    }
}
