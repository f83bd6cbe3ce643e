using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Detection;

/// <summary>One object that a detector found.</summary>
/// <param name="Label">The name of its class.</param>
/// <param name="ClassId">The id of its class in the model's numbering; object classes of torchvision's models begin at 1.</param>
/// <param name="Score">The probability of the class, 0…1.</param>
/// <param name="BoxImagePx">Its box, in px of the original picture.</param>
/// <param name="Mask">The pixels of the original picture that belong to it; null if the model predicts boxes only.</param>
public readonly record struct DetectedObject(string Label, int ClassId, float Score, Box BoxImagePx, ObjectMask? Mask = null);
