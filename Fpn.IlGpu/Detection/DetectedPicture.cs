using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Detection;

/// <summary>A picture file and what was found in it (<see cref="Detector.DetectEachAsync(IEnumerable{string}, int, int, CancellationToken)"/>).</summary>
/// <param name="Path">The file.</param>
/// <param name="Picture">The picture; null if it could not be read.</param>
/// <param name="Objects">The objects, best first; empty if there was an error.</param>
/// <param name="Error">Why there are no objects: a <see cref="PictureException"/> or a <see cref="Runtime.DeviceException"/>; null if it went well.</param>
public sealed record DetectedPicture(string Path, RgbImage? Picture, IReadOnlyList<DetectedObject> Objects, Exception? Error = null);
