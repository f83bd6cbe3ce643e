namespace Fpn.IlGpu.Imaging;

/// <summary>A file whose structure was found to be sound, ready for the decoder.</summary>
/// <param name="File">
/// The file, or a copy that has only what the pixels depend on: no text, no colour profile, no thumbnail.
/// </param>
/// <param name="Orientation">How the pixels lie, as EXIF numbers it: 1 to 8, and 1 is upright.</param>
internal readonly record struct CheckedPicture(ReadOnlyMemory<byte> File, int Orientation = ExifOrientation.Upright);
