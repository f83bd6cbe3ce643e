using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Detection;

/// <summary>One object that a detector found.</summary>
/// <param name="Label">The name of its class.</param>
/// <param name="ClassId">The number of its class, as the model counts them; torchvision's models begin at 1.</param>
/// <param name="Score">The probability of the class, 0…1.</param>
/// <param name="BoxImagePx">Where it is, in px of the original picture.</param>
/// <param name="Mask">Which px of the original picture are its own; null where the model predicts boxes only.</param>
public readonly record struct DetectedObject(string Label, int ClassId, float Score, Box BoxImagePx, ObjectMask? Mask = null);
