import { defineTexts } from '#console/i18n/texts.ts';

export const firstStepsTexts = defineTexts({
  en: {
    title: 'Send the first message',
    text: 'Run one of these where your device is. The address and the user name are filled in, and so is the secret while this page knows it.',
    tls: 'MQTT over TLS',
    this_machine:
      'The broker is at {host}, which only programs on the server itself reach. For devices elsewhere, the operator sets MQTT_HOST, or MQTT_PUBLIC_URL.',
    secret_unknown: 'The secret was shown when it was made, and the server cannot show it again.',
    secret_unknown_user: 'Put the secret of the device in its place. Who manages the devices can make a new one.',
    placeholder: 'SECRET',
    kinds: 'Ways to send',
    snippet: 'Snippet: {name}',
    discovery_text:
      'If Home Assistant reads from the same external broker as this server, publish this there, retained, to the topic below. It then shows the sensor by itself. The broker inside this server gives no device the data of another one.',
    discovery_topic: 'Topic',
    discovery_payload: 'Discovery message',
    waiting: 'Waiting for the first message…',
    waiting_text: 'This page notices by itself when it has come.',
    received: 'Received ✓',
    rejected: 'Messages came, and were rejected: {reasons}',
    refused: 'The broker refused a connection {when}: {reason}',
    connected: 'The device is connected. It has sent no telemetry yet.',
    hide: 'Hide this',
  },
  ko: {
    title: '첫 메시지 보내기',
    text: '디바이스 쪽에서 아래 예제 가운데 하나를 실행하세요. 주소와 사용자 이름은 채워져 있고, 방금 만든 시크릿도 채워집니다.',
    tls: 'TLS로 MQTT 연결',
    this_machine:
      '브로커 주소가 {host}이므로 서버와 같은 기기에서만 접속할 수 있습니다. 다른 곳의 디바이스가 접속하게 하려면 운영자가 MQTT_HOST나 MQTT_PUBLIC_URL을 설정해야 합니다.',
    secret_unknown: '시크릿은 만들 때 한 번만 보여 주며, 서버도 다시 보여 줄 수 없습니다.',
    secret_unknown_user: '시크릿 자리에 디바이스의 시크릿을 넣으세요. 매니저 이상의 사용자가 재발급할 수 있습니다.',
    placeholder: 'SECRET',
    kinds: '보내는 방법',
    snippet: '예제: {name}',
    discovery_text:
      'Home Assistant가 이 서버와 같은 외부 브로커를 구독한다면, 아래 토픽에 이 메시지를 retain으로 발행하세요. 센서가 자동으로 나타납니다. 서버에 내장된 브로커는 다른 디바이스의 데이터를 구독하게 해 주지 않습니다.',
    discovery_topic: '토픽',
    discovery_payload: 'Discovery 메시지',
    waiting: '첫 메시지를 기다리는 중…',
    waiting_text: '메시지가 도착하면 화면이 자동으로 바뀝니다.',
    received: '수신했습니다 ✓',
    rejected: '메시지가 왔지만 거부됐습니다: {reasons}',
    refused: '브로커가 {when} 연결을 거부했습니다: {reason}',
    connected: '디바이스가 연결돼 있습니다. 텔레메트리는 아직 오지 않았습니다.',
    hide: '숨기기',
  },
});
