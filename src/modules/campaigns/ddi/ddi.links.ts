export interface DdiLinks {
  configData(): string;
  action(name: 'deploymentBase' | 'cancelAction' | 'installedBase', id: number): string;
  artifact(firmwareId: number): string;
  fileName(firmwareId: number): string;
}

/** @param publicUrl where devices reach the server, without a slash at the end */
export function linksOf(publicUrl: string, deviceUid: string): DdiLinks {
  const base = `${publicUrl}/default/controller/v1/${deviceUid}`;
  return {
    configData: () => `${base}/configData`,
    action: (name, id) => `${base}/${name}/${id}`,
    artifact: (firmwareId) => `${base}/softwaremodules/${firmwareId}/artifacts/${fileNameOf(firmwareId)}`,
    fileName: fileNameOf,
  };
}

/** SWUpdate takes nothing with another ending; to others it says nothing. */
export function fileNameOf(firmwareId: number): string {
  return `firmware-${firmwareId}.swu`;
}
