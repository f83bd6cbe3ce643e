namespace Fpn.IlGpu.Imaging;

/// <summary>How a picture is written.</summary>
public enum PictureFormat
{
    /// <summary>PNG: exact.</summary>
    Png,

    /// <summary>JPEG, quality 92, chroma at full size: smaller, nearly the same to the eye.</summary>
    Jpeg,
}
